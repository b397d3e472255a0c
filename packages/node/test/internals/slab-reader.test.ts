import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { keep, release, scratch, trimSlabs } from 'wsproxy-engine';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { connectedSockets, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { readIntoSlabs, type SlabReader, tidySlabs } from '../../src/internals/slab-reader.js';

/** Until nobody looks after slabs any more. */
function tidyAll(): void {
  for (let i = 0; i < 3; i++) tidySlabs(performance.now());
}

describe.each(['accepted', 'dialled'] as const)('a socket that was %s', (side) => {
  let socket: Socket;
  let peer: Socket;
  const seen: Buffer[] = [];
  let length = 0;
  let largest = 0;
  let reader: SlabReader | undefined;
  const taker = { isTight: false };
  let onBytes: (bytes: Uint8Array) => void = () => {};

  beforeEach(async () => {
    const [accepted, dialled] = await connectedSockets('TCP');
    [socket, peer] = side === 'accepted' ? [accepted, dialled] : [dialled, accepted];
    for (const each of [socket, peer]) each.on('error', () => {});
    seen.length = 0;
    length = 0;
    largest = 0;
    onBytes = () => {};
    socket.on('data', () => seen.push(Buffer.from('by Node')));
    // Not only on this version of Node: the figures of docs/performance.md need it.
    taker.isTight = false;
    const onRead = (bytes: Uint8Array): void => {
      length += bytes.length;
      largest = Math.max(largest, bytes.length);
      seen.push(Buffer.from(bytes));
      onBytes(bytes);
    };
    reader = readIntoSlabs(socket, onRead, taker);
    expect(reader).toBeDefined();
    socket.resume();
  });

  afterEach(() => {
    reader?.stop();
    socket.destroy();
    peer.destroy();
    tidyAll();
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
    taker.isTight = true;
    peer.write(pattern(1, 0, 10));
    await until(() => length === 10);
    peer.write(pattern(1, 10, 300_000));
    await until(() => length === 300_010);
    expect(largest).toBe(8_192);
    taker.isTight = false;
    peer.write(pattern(1, 300_010, 3_000_000));
    await until(() => length === 3_300_010);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 3_300_010))).toBe(true);
    expect(largest).toBeGreaterThan(16_384);
  });

  test('leaves bytes that are kept alone, until they are released', async () => {
    const kept: Uint8Array[] = [];
    onBytes = (bytes) => kept.push(keep(bytes));
    peer.write(pattern(1, 0, 3_000_000));
    await until(() => length === 3_000_000);
    expect(Buffer.concat(kept).equals(pattern(1, 0, 3_000_000))).toBe(true);
    for (const each of kept.splice(0)) release(each);
    const memory = new Set<ArrayBufferLike>();
    onBytes = ({ buffer }) => memory.add(buffer);
    peer.write(pattern(1, 3_000_000, 3_000_000));
    await until(() => length === 6_000_000);
    expect(memory.size).toBeLessThan(4);
    expect(Buffer.concat(seen).equals(pattern(1, 0, 6_000_000))).toBe(true);
  });

  test('shares memory with the others again once it has been silent for 10 s, a second longer each time, 1,000 times', async () => {
    // Looked after here, by a time of its own.
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    let now = Math.ceil(performance.now());
    let memory: ArrayBufferLike | undefined;
    onBytes = ({ buffer }) => {
      memory = buffer;
    };
    const send = async (bytes: number) => {
      const before = length;
      peer.write(pattern(1, before, bytes));
      await until(() => length === before + bytes);
    };
    const passSilence = (ms: number) => {
      for (const step of [2_000, ms]) {
        now += step;
        tidySlabs(now);
      }
    };
    for (let rests = 0; rests < 1_000; rests++) {
      await send(40_000);
      passSilence(9_000 + 1_000 * rests);
      await send(1);
      expect(memory).not.toBe(scratch.buffer);
      passSilence(10_000 + 1_000 * rests);
    }
    await send(1);
    expect(memory).toBe(scratch.buffer);
    await send(40_000);
    await send(1);
    expect(memory).toBe(scratch.buffer);
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
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const idle = vi.getTimerCount();
  let memory = new WeakRef(scratch.buffer);
  let length = 0;
  const reader = readIntoSlabs(socket.resume(), (bytes) => {
    length += bytes.length;
    memory = new WeakRef(bytes.buffer);
  });
  peer.write(pattern(1, 0, 1_000_000));
  await until(() => length === 1_000_000);
  expect(vi.getTimerCount()).toBe(idle + 1);
  expect(memory.deref()).not.toBe(scratch.buffer);
  reader?.stop();
  vi.advanceTimersByTime(3_000);
  expect(vi.getTimerCount()).toBe(idle);
  expect(trimSlabs()).toBe(0);
});

test('where Node does not allow it, all comes as data', async () => {
  const [socket, peer] = await connectedSockets('TCP');
  Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
  expect(readIntoSlabs(socket, () => {})).toBeUndefined();
  peer.write('data');
  const [data] = (await once(socket.resume(), 'data')) as [Buffer];
  expect(data.toString()).toBe('data');
  for (const each of [socket, peer]) each.destroy();
});
