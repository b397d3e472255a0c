import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SlabPool } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { KeystreamChecker, keystreamBytes } from 'wsproxy-test-support/keystream';
import { joinSockets } from '../../src/sockets/join-sockets.js';

const MEBIBYTE = 2 ** 20;
let pool: SlabPool;
let open: Duplex[];
beforeEach(() => {
  pool = newMemory();
  open = [];
});
afterEach(() => {
  for (const socket of open) socket.destroy();
});

/** Two ends of a connection: of who talks, and of who joins. */
async function pair(): Promise<[far: Socket, near: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  open.push(far, near);
  far.on('error', () => {});
  return [far, near];
}

/** Two talk to each other through two connections that are joined. */
async function joined(): Promise<[one: Socket, other: Socket]> {
  const [[one, nearOne], [other, nearOther]] = [await pair(), await pair()];
  joinSockets(nearOne, nearOther, pool);
  return [one, other];
}

async function check(socket: Duplex, seed: string): Promise<number> {
  const checker = new KeystreamChecker(seed);
  let length = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    checker.push(chunk);
    length += chunk.length;
  }
  return length;
}

describe('two sockets that are joined', () => {
  test('pass on every byte, both ways at once, and each end by itself', async () => {
    const [one, other] = await joined();
    one.end(keystreamBytes('up', 24 * MEBIBYTE));
    const down = check(one, 'down');
    expect(await check(other, 'up')).toBe(24 * MEBIBYTE);
    other.end(keystreamBytes('down', 24 * MEBIBYTE));
    expect(await down).toBe(24 * MEBIBYTE);
    expect(pool.kept).toBe(0);
  });

  test('hold little for who does not read', async () => {
    const [[one, nearOne], [other, nearOther]] = [await pair(), await pair()];
    joinSockets(nearOne, nearOther, pool);
    other.pause();
    one.end(keystreamBytes('up', 64 * MEBIBYTE));
    while (!nearOne.isPaused()) await once(nearOne, 'pause');
    expect(nearOther.writableLength).toBeLessThanOrEqual(2 * MEBIBYTE);
    expect(await check(other, 'up')).toBe(64 * MEBIBYTE);
    expect(pool.kept).toBe(0);
  });

  test('pass on what one holds already', async () => {
    const [[one, nearOne], [other, nearOther]] = [await pair(), await pair()];
    nearOne.unshift(Buffer.from('before, '));
    one.end('after');
    joinSockets(nearOne, nearOther, pool);
    const [chunk] = await once(other, 'data');
    let text = String(chunk);
    for await (const more of other.iterator({ destroyOnReturn: false })) text += more;
    expect(text).toBe('before, after');
  });

  test('pass on a reset', async () => {
    const [one, other] = await joined();
    one.write('x');
    await once(other, 'data');
    one.resetAndDestroy();
    const [error] = await once(other, 'error');
    expect(error.code).toBe('ECONNRESET');
  });

  test('are reset when one was destroyed before', async () => {
    const [[, nearOne], [other, nearOther]] = [await pair(), await pair()];
    nearOne.destroy();
    joinSockets(nearOne, nearOther, pool);
    const [error] = await once(other.resume(), 'error');
    expect(error.code).toBe('ECONNRESET');
  });

  test('may be other streams', async () => {
    const [a, nearA] = duplexPair();
    const [b, nearB] = duplexPair();
    open.push(a, b, nearA, nearB);
    joinSockets(nearA, nearB, pool);
    a.end(keystreamBytes('up', MEBIBYTE));
    b.end();
    a.resume();
    expect(await check(b, 'up')).toBe(MEBIBYTE);
  });
});
