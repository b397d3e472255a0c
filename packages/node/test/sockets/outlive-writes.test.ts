import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { connectedSockets, type Family, untilStill } from 'wsproxy-test-support/sockets/connected-sockets';
import { tlsSockets } from 'wsproxy-test-support/sockets/tls-sockets';
import { outliveFailedWrites } from '../../src/sockets/outlive-writes.js';

const WORDS = pattern(1, 0, 50_000);
const cleanup: Duplex[] = [];

afterEach(() => {
  for (const stream of cleanup.splice(0)) stream.destroy();
});

type Kind = Family | 'TLS';

/** Whose peer has said WORDS, and gone. Nothing of it was read. */
async function deserted(kind: Kind): Promise<Duplex> {
  if (kind === 'TLS') {
    const { ours, theirs, raw } = await tlsSockets('over TCP');
    cleanup.push(ours, theirs, raw);
    await new Promise((resolve) => theirs.write(WORDS, resolve));
    raw.resetAndDestroy();
    return ours;
  }
  const [ours, theirs] = await connectedSockets(kind);
  cleanup.push(ours, theirs);
  ours.on('error', () => {});
  await new Promise((resolve) => theirs.write(WORDS, resolve));
  if (kind === 'TCP') theirs.resetAndDestroy();
  else theirs.destroy();
  await once(theirs, 'close');
  return ours;
}

async function writeUntilItFails(socket: Duplex): Promise<void> {
  let hasFailed = false;
  outliveFailedWrites(socket, {
    onDead() {
      hasFailed = true;
    },
  });
  while (!hasFailed) await new Promise((resolve) => socket.write('x', () => setImmediate(resolve)));
}

describe.each<Kind>(['TCP', 'Unix', 'TLS'])('a failed write to %s', (kind) => {
  test('leaves what the peer has said to be read, and then an end', async () => {
    const socket = await deserted(kind);
    socket.pause();
    await writeUntilItFails(socket);
    expect(socket.destroyed).toBe(false);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const over = Promise.race([once(socket, 'end'), once(socket, 'close')]);
    socket.resume();
    await over;
    expect(Buffer.concat(chunks).equals(WORDS)).toBe(true);
  });

  test('leaves the socket as it is when nobody reads, until it is destroyed', async () => {
    const socket = await deserted(kind);
    socket.pause();
    await writeUntilItFails(socket);
    await untilStill(() => socket.destroyed);
    expect(socket.destroyed).toBe(false);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
  });
});

test('anything else that destroys a stream does so, and a failed write does when there is nothing more to read', async () => {
  const [ours, theirs] = await connectedSockets('TCP');
  cleanup.push(ours, theirs);
  let failures = 0;
  const owner = {
    onDead() {
      failures += 1;
    },
  };
  outliveFailedWrites(ours, owner);
  ours.on('error', () => {});
  theirs.end();
  ours.resume();
  await once(ours, 'end');
  theirs.destroy();
  await once(theirs, 'close');
  const closed = new Promise((resolve) => ours.once('close', resolve));
  while (!ours.destroyed) await new Promise((resolve) => ours.write('x', () => setImmediate(resolve)));
  await closed;

  const [other] = await connectedSockets('TCP');
  outliveFailedWrites(other, owner);
  other.on('error', () => {});
  other.destroy(new Error('for another reason'));
  expect([other.destroyed, failures]).toEqual([true, 0]);
});
