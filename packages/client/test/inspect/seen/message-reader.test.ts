import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { Inflater } from '../../../src/inspect/seen/inflater.js';
import { MessageReader, type ReadMessage } from '../../../src/inspect/seen/message-reader.js';

const MIB = 1_048_576;

/** Its types know neither. */
const { PerMessageDeflate, Sender } = ws as unknown as {
  readonly PerMessageDeflate: new (options: object) => { accept(offers: readonly object[]): void };
  readonly Sender: new (socket: PassThrough, extensions: object) => WsSender;
};

interface WsSender {
  ping(data: Buffer, mask: boolean, done: () => void): void;
  send(data: Buffer, options: object, done: () => void): void;
}

/** A reader, what it has read, and what it holds. */
function startReader(inflater?: (onHold: (change: number) => void) => Inflater) {
  let held = 0;
  const onHold = (change: number) => {
    held += change;
  };
  const messages: ReadMessage[] = [];
  const reader = new MessageReader(inflater?.(onHold), onHold, (message) => messages.push(message));
  return { reader, messages, held: () => held };
}

/** A frame of RFC 6455 section 5.2. */
function frame(opcode: number, payload: Uint8Array, { last = true, compressed = false, length = payload.length } = {}) {
  const first = (last ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode;
  if (length < 126) return Buffer.concat([Buffer.of(first, length), payload]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** What `ws` sends of such messages. */
async function sentByWs(sent: readonly Sent[], isClient: boolean, keepsContext: boolean | undefined): Promise<Buffer> {
  const extensions: Record<string, object> = {};
  if (keepsContext !== undefined) {
    const isServer = !isClient;
    const deflate = new PerMessageDeflate({ threshold: 0, isServer });
    const refusal = keepsContext ? {} : { server_no_context_takeover: [true], client_no_context_takeover: [true] };
    deflate.accept([refusal]);
    extensions['permessage-deflate'] = deflate;
  }
  const wire = new PassThrough({ highWaterMark: 1 << 28 });
  const sender = new Sender(wire, extensions);
  for (const { pieces, isBinary, ping } of sent) {
    if (ping !== undefined) sender.ping(ping, isClient, noop);
    for (const [n, piece] of pieces.entries()) {
      const fin = n === pieces.length - 1;
      const options = { fin, binary: isBinary, mask: isClient, compress: keepsContext !== undefined };
      await new Promise<void>((resolve) => sender.send(piece, options, () => resolve()));
    }
  }
  return (wire.read() as Buffer | null) ?? Buffer.alloc(0);
}

const noop = () => {};

interface Sent {
  readonly pieces: readonly Buffer[];
  readonly isBinary: boolean;
  readonly ping: Buffer | undefined;
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
/** Repetitive ones lean on the context. */
const piece = fc.oneof(
  bytes(300),
  fc.constantFrom('{"type":"tick","price":17}', 'x'.repeat(70_000), '').map((text) => Buffer.from(text)),
);
const sent: fc.Arbitrary<Sent> = fc.record({
  pieces: fc.array(piece, { minLength: 1, maxLength: 4 }),
  isBinary: fc.boolean(),
  ping: fc.option(bytes(125), { nil: undefined }),
});

describe('the messages of a WebSocket', () => {
  test('are read as ws sends them: in fragments, masked, compressed, among pings, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { maxLength: 8 }),
        fc.boolean(),
        fc.constantFrom(undefined, true, false),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 }),
        async (all, isClient, keepsContext, cuts) => {
          const wire = await sentByWs(all, isClient, keepsContext);
          const { reader, messages, held } = startReader(
            keepsContext === undefined ? undefined : (onHold) => new Inflater(keepsContext, onHold),
          );
          for (let at = 0, n = 0; at < wire.length; n++) {
            const length = cuts[n % cuts.length] ?? 1;
            reader.push(wire.subarray(at, at + length));
            at += length;
          }
          expect(reader.problem).toBeUndefined();
          const told = messages.map(({ opcode, data }) => [opcode, data.toString('hex')]);
          const expected = all.flatMap(({ pieces, isBinary, ping }) => [
            ...(ping === undefined ? [] : [[9, ping.toString('hex')]]),
            [isBinary ? 2 : 1, Buffer.concat(pieces).toString('hex')],
          ]);
          expect(told).toEqual(expected);
          reader.close();
          expect(held()).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('are told with their size even where they are too large to keep', () => {
    const { reader, messages, held } = startReader();
    const large = randomBytes(3 * MIB);
    reader.push(frame(2, large.subarray(0, MIB + 7), { last: false }));
    expect(held()).toBe(MIB);
    reader.push(frame(0, large.subarray(MIB + 7)));
    expect(messages).toMatchObject([{ opcode: 2, bytes: 3 * MIB }]);
    expect(messages[0]?.data.equals(large.subarray(0, MIB))).toBe(true);
    expect(held()).toBe(0);
  });

  test('that no frame may have end the reading, with a reason, and hold nothing', () => {
    const wrong: readonly [Buffer, RegExp][] = [
      [Buffer.of(0x90 | 1, 0), /reserved/],
      [frame(3, Buffer.alloc(1)), /opcode 3/],
      [frame(11, Buffer.alloc(1)), /opcode 11/],
      [frame(0, Buffer.alloc(1)), /follows nothing/],
      [frame(9, Buffer.alloc(126)), /control frame/],
      [frame(9, Buffer.alloc(1), { last: false }), /control frame/],
      [frame(1, Buffer.alloc(1), { compressed: true }), /compressed/],
      [frame(2, Buffer.alloc(0), { length: 2 ** 60 }), /too long/],
      [Buffer.concat([frame(1, Buffer.alloc(9), { last: false }), frame(1, Buffer.alloc(1))]), /within another/],
    ];
    for (const [bytes, reason] of wrong) {
      const { reader, messages, held } = startReader();
      reader.push(bytes);
      reader.push(frame(1, Buffer.from('later')));
      expect(reader.problem).toMatch(reason);
      expect([messages.length, held()]).toEqual([0, 0]);
    }
  });

  test('of any bytes at all never throw, and hold no more than a message and a control frame', () => {
    fc.assert(
      fc.property(fc.array(bytes(2_000), { maxLength: 20 }), fc.boolean(), (chunks, keepsContext) => {
        const { reader, held } = startReader((onHold) => new Inflater(keepsContext, onHold));
        for (const chunk of chunks) reader.push(chunk);
        expect(held()).toBeLessThan(2 * MIB);
        reader.close();
        expect(held()).toBe(0);
      }),
    );
  });
});

describe('compressed messages', () => {
  const compress = (data: Buffer) => frame(2, deflateRawSync(data), { compressed: true });

  test('of many MiB are read, kept in part, and the ones that lean on them after', () => {
    const { reader, messages } = startReader((onHold) => new Inflater(true, onHold));
    reader.push(compress(Buffer.alloc(5 * MIB, 'abc')));
    reader.push(compress(Buffer.from('and then')));
    expect(messages.map(({ bytes }) => bytes)).toEqual([5 * MIB, 8]);
    expect([messages[0]?.data.length, messages[1]?.data.toString()]).toEqual([MIB, 'and then']);
  });

  test('that are bombs stop at a bound, and what leans on them is told as unreadable', () => {
    const { reader, messages, held } = startReader((onHold) => new Inflater(true, onHold));
    reader.push(compress(Buffer.alloc(100 * MIB)));
    reader.push(compress(Buffer.from('and then')));
    expect(messages.map(({ bytes, data }) => [bytes, data.length])).toEqual([
      [undefined, 0],
      [undefined, 0],
    ]);
    expect(held()).toBe(0);
  });

  test('that are bombs cost no more than a bound, however many come', () => {
    const { reader, messages } = startReader((onHold) => new Inflater(false, onHold));
    const bomb = compress(Buffer.alloc(8 * MIB));
    for (let n = 0; n < 100; n++) reader.push(bomb);
    const read = messages.filter(({ bytes }) => bytes !== undefined).length;
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(8);
    expect(messages).toHaveLength(100);
  });

  test('with a last block are read, and are unreadable when more follows it', () => {
    const { reader, messages } = startReader((onHold) => new Inflater(false, onHold));
    const block = deflateRawSync('last');
    for (const payload of [Buffer.concat([block, Buffer.of(0)]), Buffer.concat([block, block])]) {
      reader.push(frame(1, payload, { compressed: true }));
    }
    expect(messages.map(({ bytes, data }) => [bytes, data.toString()])).toEqual([
      [4, 'last'],
      [undefined, ''],
    ]);
  });

  test('that are damaged are unreadable; without a context the next one is not', () => {
    const { reader, messages } = startReader((onHold) => new Inflater(false, onHold));
    reader.push(frame(1, Buffer.from('no deflate at all'), { compressed: true }));
    reader.push(compress(Buffer.from('sound')));
    expect(messages.map(({ bytes, data }) => [bytes, data.toString()])).toEqual([
      [undefined, ''],
      [5, 'sound'],
    ]);
  });
});
