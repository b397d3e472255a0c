import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Channel, SlabPool } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { connectedSockets, Observer, until } from 'wsproxy-test-support/sockets/connected-sockets';
import { RelayWriter } from '../../src/relay/relay-writer.js';

/** As large as what a socket reads at once. */
const read = pattern(1, 0, 65_536);
const PIECE = 10_000;
const pieces = [0, 1, 2].map((i) => read.subarray(i * PIECE, (i + 1) * PIECE));

const NO_WAY_BACK = { onReset() {}, onWritable() {} };

let socket: Socket;
let peer: Socket;
let channel: Channel;
let writer: RelayWriter;
let consumed: number;
let onConsumed: () => void;
let memory: SlabPool;
let given: ArrayBufferLike[];

beforeEach(async () => {
  [socket, peer] = await connectedSockets('TCP');
  for (const each of [socket, peer]) each.on('error', () => {});
  consumed = 0;
  onConsumed = () => {};
  memory = newMemory();
  channel = {
    memory,
    consumed(bytes: number) {
      consumed += bytes;
      onConsumed();
    },
  } as Channel;
  writer = new RelayWriter(channel, socket, NO_WAY_BACK);
  given = memoryGivenTo(socket);
});

/** Of all that is written to it from now on. */
function memoryGivenTo(socket: Socket): ArrayBufferLike[] {
  const memory: ArrayBufferLike[] = [];
  const { write } = socket;
  socket.write = ((chunk: Buffer, ...rest: []) => {
    memory.push(chunk.buffer);
    return write.call(socket, chunk, ...rest);
  }) as typeof write;
  return memory;
}

afterEach(() => {
  writer.stop();
  socket.destroy();
  peer.destroy();
});

const writeFrame = () => pieces.forEach((piece, i) => void writer.onData(piece, i < pieces.length - 1));

test('what the socket never takes counts as held until the socket is closed, and is given back once', async () => {
  const much = Buffer.alloc(8_388_608);
  writer.onData(much, false);
  expect(consumed).toBe(0);
  const closed = once(socket, 'close').then(() => writer.stop());
  socket.resetAndDestroy();
  await closed;
  expect(consumed).toBe(much.length);
  writer.onData(Buffer.from('late'), false);
  expect(consumed).toBe(much.length + 4);
  await new Promise((resolve) => setImmediate(resolve));
  expect(consumed).toBe(much.length + 4);
});

describe('memory that was read into', () => {
  const LARGE = Buffer.alloc(8_388_608);
  const SLABS = 128;

  function writeSlabs(): void {
    for (let i = 0; i < SLABS; i++) {
      const slab = memory.post();
      writer.onData(slab.bytes, false);
      memory.unpost(slab);
    }
  }

  test('is held until the socket has taken what lies in it, and not until it has taken everything', async () => {
    const held = new Map<number, number>();
    onConsumed = () => held.set(consumed, memory.kept);
    writer.onData(LARGE, false);
    writeSlabs();
    peer.resume();
    await until(() => memory.kept === 0);
    expect(held.get(LARGE.length)).toBe(SLABS);
  });

  test('is held until the socket is closed when it takes no more', async () => {
    writer.onData(LARGE, false);
    writeSlabs();
    writer.stop();
    expect(memory.kept).toBe(SLABS);
    socket.destroy();
    await once(socket, 'close');
    writer.stop();
    expect(memory.kept).toBe(0);
  });
});

describe('a channel that is over', () => {
  const LARGE = Buffer.alloc(16_777_216);

  test('closes a socket that takes no more', () => {
    writer.stop();
    writer.onReset('CONNECTION_RESET');
    expect(socket.destroyed).toBe(true);
  });

  test('gives back what waited for its turn', () => {
    const paced = new RelayWriter(channel, socket, NO_WAY_BACK, {
      rateOf: () => 1,
      mayPass: () => false,
      wait() {},
      leave() {},
    });
    paced.onData(Buffer.from('abc'), false);
    expect(consumed).toBe(0);
    paced.onReset('CONNECTION_RESET');
    expect(consumed).toBe(3);
  });

  test('waits for a socket that takes what came before the end, and a minute for one that does not', async () => {
    const observer = new Observer(peer);
    const hasTaken = new Promise<void>((resolve) => {
      onConsumed = resolve;
    });
    for (let i = 0; i < 2; i++) writer.onData(LARGE, false);
    writer.onEnd();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      writer.onReset('CANCELLED');
      await hasTaken;
      peer.pause();
      vi.advanceTimersByTime(60_000);
      expect([consumed, socket.destroyed]).toEqual([LARGE.length, false]);
      vi.advanceTimersByTime(60_000);
      expect(socket.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
    peer.resume();
    await observer.closed;
    expect(observer.events).toEqual(['reset']);
  });
});

describe('small pieces that a busy socket has to write', () => {
  const LARGE = Buffer.alloc(8_388_608);

  test('are joined, in their order, and given back', async () => {
    const observer = new Observer(peer);
    writer.onData(LARGE, false);
    for (const byte of read) writer.onData(Buffer.from([byte]), false);
    writer.onEnd();
    await observer.ended;
    expect(observer.bytes.subarray(LARGE.length).equals(read)).toBe(true);
    expect(consumed).toBe(LARGE.length + read.length);
    expect(given.length).toBeLessThan(40);
  });

  test('leave also when nothing follows them', async () => {
    const observer = new Observer(peer);
    writer.onData(LARGE, false);
    writer.onData(Buffer.from('a'), true);
    writer.onData(Buffer.from('b'), false);
    await until(() => consumed === LARGE.length + 2);
    await until(() => observer.bytes.length === consumed);
    expect(observer.bytes.subarray(-2).toString()).toBe('ab');
  });

  test('leave also when what it has to write is not from here', async () => {
    const before = 8_388_608;
    socket.write(Buffer.alloc(before));
    expect(socket.writableLength).toBeGreaterThan(0);
    writer.onData(Buffer.from('x'), false);
    const observer = new Observer(peer);
    await until(() => observer.bytes.length === before + 1);
    await until(() => consumed === 1);
  });

  test('are given back when it takes nothing more', () => {
    writer.onData(LARGE, false);
    writer.onData(Buffer.from('ab'), false);
    writer.stop();
    expect(consumed).toBe(LARGE.length + 2);
  });

  test('come before a reset, as what was written before', async () => {
    const observer = new Observer(peer);
    writer.onData(LARGE, false);
    writer.onData(Buffer.from('ab'), false);
    const closed = once(socket, 'close');
    writer.onReset('CONNECTION_RESET');
    await until(() => observer.bytes.length === LARGE.length + 2);
    await closed;
  });
});

describe('the pieces of a frame', () => {
  test('leave in their order, as they are, when nothing else is to be written', async () => {
    const observer = new Observer(peer);
    for (let frame = 1; frame <= 3; frame++) {
      writeFrame();
      // In the same turn.
      expect(consumed).toBe(frame * 3 * PIECE);
      await until(() => observer.bytes.length === frame * 3 * PIECE);
    }
    expect(given).toEqual(Array(9).fill(read.buffer));
    const expected = Buffer.concat([...pieces, ...pieces, ...pieces]);
    expect(observer.bytes.equals(expected)).toBe(true);
  });

  test('that have to wait keep no more memory alive than they are long', async () => {
    const large = Buffer.alloc(8_388_608);
    writer.onData(large, false);
    expect(socket.writableLength).toBeGreaterThan(0);
    writeFrame();
    expect(given.slice(1).map(({ byteLength }) => byteLength)).toEqual([PIECE, PIECE, PIECE]);
    const observer = new Observer(peer);
    await until(() => observer.bytes.length === large.length + 3 * PIECE);
    expect(observer.bytes.subarray(large.length).equals(Buffer.concat(pieces))).toBe(true);
    await until(() => consumed === large.length + 3 * PIECE);
  });

  describe('of which each is a little of much memory', () => {
    const MUCH = 65_536;
    /** More than may be kept alive. */
    const COUNT = 300;
    const dilute = (to: RelayWriter, count: number) => {
      for (let i = 0; i < count; i++) to.onData(Buffer.alloc(MUCH, i).subarray(0, 1), true);
    };
    const aliveOf = (memory: ArrayBufferLike[]) => memory.filter(({ byteLength }) => byteLength === MUCH).length;

    test('keep 16 MiB of it alive, and no more until the socket has taken them', async () => {
      const observer = new Observer(peer);
      for (let frame = 1; frame <= 3; frame++) {
        given.length = 0;
        dilute(writer, COUNT);
        writer.onData(Buffer.from('.'), false);
        // The first one is next in any case.
        expect(aliveOf(given)).toBe(1 + 256);
        await until(() => observer.bytes.length === frame * (COUNT + 1));
      }
      await until(() => consumed === 3 * (COUNT + 1));
    });

    test('keep none of it alive once the connection is closed', async () => {
      const pair = await connectedSockets('TCP');
      const [other] = pair;
      const givenToOther = memoryGivenTo(other);
      const second = new RelayWriter({ memory, consumed() {} } as unknown as Channel, other, NO_WAY_BACK);
      dilute(writer, COUNT);
      dilute(second, 2);
      expect(aliveOf(givenToOther)).toBe(1);
      writer.stop();
      dilute(second, 2);
      expect(aliveOf(givenToOther)).toBe(3);
      second.stop();
      for (const each of pair) each.destroy();
    });
  });
});
