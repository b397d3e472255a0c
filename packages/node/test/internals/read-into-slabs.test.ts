import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { SlabPool, type SlabReader } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { connectedSockets, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { readIntoSlabs } from '../../src/internals/read-into-slabs.js';

describe.each(['accepted', 'dialled'] as const)('a socket that was %s', (side) => {
  let socket: Socket;
  let peer: Socket;
  const seen: Buffer[] = [];
  let length = 0;
  let largest = 0;
  let reader: SlabReader | undefined;
  let clock: FakeClock;
  let memory: SlabPool;
  const taker = {
    appetite: 65_536,
    onBytes(bytes: Uint8Array): void {
      length += bytes.length;
      largest = Math.max(largest, bytes.length);
      seen.push(Buffer.from(bytes));
      onBytes(bytes);
    },
  };
  let onBytes: (bytes: Uint8Array) => void = () => {};

  beforeEach(async () => {
    const [accepted, dialled] = await connectedSockets('TCP');
    [socket, peer] = side === 'accepted' ? [accepted, dialled] : [dialled, accepted];
    for (const each of [socket, peer]) each.on('error', () => {});
    clock = new FakeClock();
    memory = new SlabPool(clock);
    seen.length = 0;
    length = 0;
    largest = 0;
    onBytes = () => {};
    socket.on('data', () => seen.push(Buffer.from('by Node')));
    // Not only on this version of Node: the figures of docs/performance.md need it.
    taker.appetite = 65_536;
    reader = readIntoSlabs(socket, memory, taker);
    expect(reader).toBeDefined();
    socket.resume();
  });

  afterEach(() => {
    reader?.stop();
    socket.destroy();
    peer.destroy();
    expect(memory.kept).toBe(0);
  });

  test('brings every byte, few and many', async () => {
    peer.write(pattern(1, 0, 10));
    await until(() => length === 10);
    peer.write(pattern(1, 10, 3_000_000));
    await until(() => length === 3_000_010);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 3_000_010))).toBe(true);
    expect(largest).toBeGreaterThan(16_384);
  });

  test('brings little at a time while there is little room', async () => {
    taker.appetite = 8_192;
    peer.write(pattern(1, 0, 10));
    await until(() => length === 10);
    peer.write(pattern(1, 10, 300_000));
    await until(() => length === 300_010);
    expect(largest).toBe(8_192);
    taker.appetite = 65_536;
    peer.write(pattern(1, 300_010, 3_000_000));
    await until(() => length === 3_300_010);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 3_300_010))).toBe(true);
    expect(largest).toBeGreaterThan(16_384);
  });

  test('leaves bytes that are kept alone, until they are released', async () => {
    const kept: Uint8Array[] = [];
    onBytes = (bytes) => kept.push(memory.keep(bytes));
    peer.write(pattern(1, 0, 3_000_000));
    await until(() => length === 3_000_000);
    expect(Buffer.concat(kept).equals(pattern(1, 0, 3_000_000))).toBe(true);
    for (const each of kept.splice(0)) memory.release(each);
    const read = new Set<ArrayBufferLike>();
    onBytes = ({ buffer }) => read.add(buffer);
    peer.write(pattern(1, 3_000_000, 3_000_000));
    await until(() => length === 6_000_000);
    expect(read.size).toBeLessThan(4);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 6_000_000))).toBe(true);
  });

  test('shares memory with the others again once it has been silent for 10 s, a second longer each time, 1,000 times', {
    timeout: 60_000,
  }, async () => {
    let read: ArrayBufferLike | undefined;
    onBytes = ({ buffer }) => {
      read = buffer;
    };
    const send = async (bytes: number) => {
      const before = length;
      peer.write(pattern(1, before, bytes));
      await until(() => length === before + bytes);
    };
    const passSilence = (ms: number) => {
      // Until somebody has looked.
      clock.advance(1_000);
      clock.advance(ms);
    };
    for (let rests = 0; rests < 1_000; rests++) {
      await send(40_000);
      passSilence(9_000 + 1_000 * rests);
      await send(1);
      expect(read).not.toBe(memory.scratch.buffer);
      passSilence(10_000 + 1_000 * rests);
    }
    await send(1);
    expect(read).toBe(memory.scratch.buffer);
    await send(40_000);
    await send(1);
    expect(read).toBe(memory.scratch.buffer);
    expect(Buffer.concat(seen).equals(pattern(1, 0, length))).toBe(true);
  });

  test('reads nothing while it is paused', async () => {
    onBytes = () => socket.pause();
    peer.write(pattern(1, 0, 1_000_000));
    await until(() => length > 0);
    const before = length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(length).toBe(before);
    onBytes = () => {};
    socket.resume();
    await until(() => length === 1_000_000);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 1_000_000))).toBe(true);
  });

  test('ends as any other', async () => {
    peer.end(pattern(1, 0, 100_000));
    await once(socket, 'end');
    expect(length).toBe(100_000);
  });

  test('fails as any other', async () => {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    peer.resetAndDestroy();
    await closed;
    expect(length).toBe(0);
  });
});

test('slabs are let go of when nothing is read any more, and nobody looks after them then', async () => {
  const [socket, peer] = await connectedSockets('TCP');
  onTestFinished(() => {
    for (const each of [socket, peer]) each.destroy();
  });
  const clock = new FakeClock();
  const memory = new SlabPool(clock);
  let read: ArrayBufferLike = memory.scratch.buffer;
  let length = 0;
  const reader = readIntoSlabs(socket.resume(), memory, {
    onBytes(bytes) {
      length += bytes.length;
      read = bytes.buffer;
    },
  });
  expect(clock.pending).toBe(0);
  peer.write(pattern(1, 0, 1_000_000));
  await until(() => length === 1_000_000);
  expect(clock.pending).toBe(1);
  expect(read).not.toBe(memory.scratch.buffer);
  reader?.stop();
  clock.advance(3_000);
  expect(clock.pending).toBe(0);
  expect(memory.trim()).toBe(0);
});

test('where Node does not allow it, all comes as data', async () => {
  const [socket, peer] = await connectedSockets('TCP');
  Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
  expect(readIntoSlabs(socket, new SlabPool(new FakeClock()), { onBytes() {} })).toBeUndefined();
  peer.write('data');
  const [data] = (await once(socket.resume(), 'data')) as [Buffer];
  expect(data.toString()).toBe('data');
  for (const each of [socket, peer]) each.destroy();
});
