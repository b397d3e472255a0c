import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel } from '../src/channel/channel.js';
import { RelayWriter } from '../src/relay-writer.js';
import { pattern } from './support/pattern.js';
import { connectedSockets, Observer, until } from './support/sockets.js';

/** As large as what a socket reads at once. */
const read = pattern(1, 0, 65_536);
const PIECE = 10_000;
const pieces = [0, 1, 2].map((i) => read.subarray(i * PIECE, (i + 1) * PIECE));

let socket: Socket;
let peer: Socket;
let writer: RelayWriter;
let consumed: number;
/** Memory of what the socket was given. */
let given: ArrayBufferLike[];

beforeEach(async () => {
  [socket, peer] = await connectedSockets('TCP');
  for (const each of [socket, peer]) each.on('error', () => {});
  consumed = 0;
  const channel = {
    consumed(bytes: number) {
      consumed += bytes;
    },
  } as Channel;
  writer = new RelayWriter(channel, socket, undefined);
  given = [];
  const { write } = socket;
  socket.write = ((chunk: Buffer, ...rest: []) => {
    given.push(chunk.buffer);
    return write.call(socket, chunk, ...rest);
  }) as typeof write;
});

afterEach(() => {
  writer.stop();
  socket.destroy();
  peer.destroy();
});

const writeFrame = () => pieces.forEach((piece, i) => void writer.write(piece, i < pieces.length - 1));

describe('the pieces of a frame', () => {
  test('leave in their order, as they are, when nothing else is to be written', async () => {
    const observer = new Observer(peer);
    for (let frame = 1; frame <= 3; frame++) {
      writeFrame();
      await until(() => observer.bytes.length === frame * 3 * PIECE);
    }
    expect(given).toEqual(Array(9).fill(read.buffer));
    expect(consumed).toBe(9 * PIECE);
    const expected = Buffer.concat([...pieces, ...pieces, ...pieces]);
    expect(observer.bytes.equals(expected)).toBe(true);
  });

  test('that have to wait keep no more memory alive than they are long', async () => {
    const large = Buffer.alloc(8_388_608);
    writer.write(large, false);
    expect(socket.writableLength).toBeGreaterThan(0);
    writeFrame();
    expect(given.slice(1).map(({ byteLength }) => byteLength)).toEqual([PIECE, PIECE, PIECE]);
    const observer = new Observer(peer);
    await until(() => observer.bytes.length === large.length + 3 * PIECE);
    expect(observer.bytes.subarray(large.length).equals(Buffer.concat(pieces))).toBe(true);
    await until(() => consumed === large.length + 3 * PIECE);
  });
});
