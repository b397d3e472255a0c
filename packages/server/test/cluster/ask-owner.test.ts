import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type AskOptions, askOwner, type Reply } from '../../src/cluster/ask-owner.js';
import { closeWith } from '../peer.js';

let clock: FakeClock;
let owner: Server;
let accepted: Promise<Socket>;
beforeEach(() => {
  clock = new FakeClock();
  owner = createServer({ allowHalfOpen: true });
  accepted = once(owner, 'connection').then(([socket]) => {
    closeWith(() => socket.destroy());
    socket.on('error', () => {});
    return socket;
  });
  closeWith(() => owner.close());
});

/** It listens, by a Unix socket or by TCP, and what is asked there. */
async function ask(hop: 'unix' | 'tcp', more: Partial<AskOptions> = {}): Promise<{ replies: Reply[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'w-'));
  closeWith(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 's');
  owner.listen(hop === 'unix' ? { path } : { port: 0, host: '127.0.0.1' });
  await once(owner, 'listening');
  const replies: Reply[] = [];
  const { port } = hop === 'unix' ? { port: 0 } : (owner.address() as AddressInfo);
  void askOwner(Buffer.from('request'), {
    hop: hop === 'unix' ? { path } : { host: '127.0.0.1', port },
    ...{ secureContext: undefined, clock, client: new PassThrough() },
    takeConnection: () => true,
    onConnection: (connection) => closeWith(() => connection.destroy()),
    ...more,
  }).then((reply) => replies.push(reply));
  return { replies };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the process that has a session', () => {
  test('has 2 s to take a connection, TLS included', async () => {
    const { replies } = await ask('tcp');
    // It hears the greeting of TLS, and says nothing.
    await once(await accepted, 'readable');
    clock.advance(1_999);
    await settled();
    expect(replies).toEqual([]);
    clock.advance(1);
    await settled();
    expect(replies).toEqual([{ outcome: 'unanswered', error: new Error('it took too long') }]);
    expect(clock.pending).toBe(0);
  });

  test('has 5 s from then on to answer', async () => {
    const { replies } = await ask('unix');
    const [said] = await once(await accepted, 'data');
    expect(String(said)).toBe('request');
    clock.advance(4_999);
    await settled();
    expect(replies).toEqual([]);
    clock.advance(1);
    await settled();
    expect(replies).toEqual([{ outcome: 'unanswered', error: new Error('it took too long') }]);
  });

  test('may say the head of its answer byte by byte, and what follows comes with it', async () => {
    const { replies } = await ask('unix');
    const socket = await accepted;
    for (const character of 'HTTP/1.1 101 Yes\r\nA: b\r\n\r') {
      socket.write(character);
      await settled();
    }
    expect(replies).toEqual([]);
    socket.write('\nmore');
    while (replies.length === 0) await settled();
    const [reply] = replies;
    expect(reply).toMatchObject({ status: 101, answer: Buffer.from('HTTP/1.1 101 Yes\r\nA: b\r\n\r\nmore') });
    expect(clock.pending).toBe(0);
  });

  test('is let go of when the client goes meanwhile', async () => {
    const client = new PassThrough();
    const { replies } = await ask('unix', { client });
    const ended = once((await accepted).resume(), 'end');
    client.destroy();
    await ended;
    expect(replies).toEqual([{ outcome: 'left' }]);
    expect(clock.pending).toBe(0);
  });

  test('is not asked when there may be no more sockets', async () => {
    const { replies } = await ask('unix', { takeConnection: () => false });
    await settled();
    expect(replies).toMatchObject([{ outcome: 'unanswered' }]);
  });
});
