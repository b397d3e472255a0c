import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { deafReceiver } from 'wsproxy-engine';
import { MessageReader, type MessageTaker } from '../../../src/transports/websocket/message-reader.js';

const LIMITS = { maxPayload: 1_000, maxFragments: 4 };

interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly payload: Buffer;
}

/** The halves of `ws` that it exports without types. */
interface Oracle {
  readonly Sender: { frame(data: Buffer, options: object): Buffer[] };
  readonly Receiver: new (options: object) => Writable;
}
const { Sender, Receiver } = ws as unknown as Oracle;

/** What was understood of a stream of frames. */
class Understood {
  bytes: Buffer = Buffer.alloc(0);
  readonly events: string[] = [];

  take(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  /** The receiver of `ws`, which tells here what it hears. */
  receiver(isServer: boolean): Writable {
    const receiver = new Receiver({ isServer, ...LIMITS, skipUTF8Validation: true });
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.take(data);
      else this.events.push(`text ${data.toString('hex')}`);
    });
    receiver.on('ping', (data: Buffer) => this.events.push(`ping ${data.toString('hex')}`));
    receiver.on('pong', (data: Buffer) => this.events.push(`pong ${data.toString('hex')}`));
    receiver.on('conclude', (code: number) => this.events.push(`close ${code}`));
    receiver.on('error', (error: Error & { code: string }) => this.events.push(error.code));
    return receiver;
  }
}

function write(receiver: Writable, bytes: Buffer): void {
  // As `ws` does: it stops listening once its receiver has failed, or has seen a close frame.
  if (!receiver.destroyed && !receiver.writableEnded) receiver.write(Buffer.from(bytes));
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function byOracle(stream: Buffer, isServer: boolean): Promise<Understood> {
  const understood = new Understood();
  write(understood.receiver(isServer), stream);
  await settled();
  return understood;
}

async function byReader(stream: Buffer, isServer: boolean, cuts: readonly number[]): Promise<Understood> {
  const understood = new Understood();
  const receiver = understood.receiver(isServer);
  const reader = new MessageReader(
    { isServer, ...LIMITS },
    taker(
      (bytes) => understood.take(bytes),
      (bytes) => write(receiver, bytes),
    ),
  );
  const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    // A copy, since masks are taken off in place.
    if (end > start) reader.onBytes(Buffer.from(stream.subarray(start, end)));
    start = end;
  }
  await settled();
  return understood;
}

function encode(frames: readonly Frame[], isServer: boolean, mask: Buffer): Buffer {
  return Buffer.concat(
    frames.flatMap(({ opcode, fin, rsv1, payload }) =>
      Sender.frame(Buffer.from(payload), {
        opcode,
        fin,
        rsv1,
        mask: isServer,
        readOnly: true,
        generateMask: (target: Buffer) => mask.copy(target),
      }),
    ),
  );
}

const PING: Frame = { opcode: 9, fin: true, rsv1: false, payload: Buffer.from('the end') };
const bytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    // What close frames and headers are made of, so that they are found where they are none.
    fc.array(fc.constantFrom(0x88, 0x82, 0x02, 0x80, 0x00, 0x03, 0xe9), { maxLength: Math.min(maxLength, 20) }),
  );
const payload = (maxLength: number) => bytes(maxLength).map((values) => Buffer.from(values));
const whole = payload(600).map((data): Frame[] => [{ opcode: 2, fin: true, rsv1: false, payload: data }]);
const control = fc
  .tuple(fc.constantFrom(9, 10), payload(125))
  .map(([opcode, data]): Frame[] => [{ opcode, fin: true, rsv1: false, payload: data }]);
const fragmented = fc
  .tuple(fc.array(payload(200), { minLength: 2, maxLength: 4 }), fc.boolean())
  .map(([parts, pinged]) =>
    parts.flatMap((data, i): Frame[] => [
      { opcode: i === 0 ? 2 : 0, fin: i === parts.length - 1, rsv1: false, payload: data },
      ...(pinged && i === 0 ? [PING] : []),
    ]),
  );
const anyFrame = fc.record({
  opcode: fc.nat(15),
  fin: fc.boolean(),
  rsv1: fc.boolean(),
  payload: payload(1_100),
});
const valid = fc.array(fc.oneof(whole, whole, control, fragmented), { maxLength: 12 }).map((list) => list.flat());
const cuts = fc.array(fc.nat(5_000), { maxLength: 30 });
const mask = fc.oneof(
  fc.constant(Buffer.alloc(4)),
  payload(4).map((values) => Buffer.concat([values, Buffer.alloc(4)])),
);

describe('cut anywhere, a stream of frames means what ws makes of it whole', () => {
  test('when all of it is right', async () => {
    await fc.assert(
      fc.asyncProperty(valid, fc.boolean(), mask, cuts, async (frames, isServer, key, where) => {
        const stream = encode([...frames, PING], isServer, key);
        const expected = await byOracle(stream, isServer);
        expect(expected.events.at(-1)).toBe(`ping ${PING.payload.toString('hex')}`);
        expect(await byReader(stream, isServer, where)).toEqual(expected);
      }),
    );
  });

  test('when some of it breaks the rules: with the same error, and nothing after it', async () => {
    await fc.assert(
      fc.asyncProperty(
        valid,
        fc.array(anyFrame),
        fc.boolean(),
        fc.boolean(),
        cuts,
        async (before, odd, isServer, isMasked, where) => {
          const stream = encode([...before, ...odd, PING], isMasked, Buffer.alloc(4));
          const expected = await byOracle(stream, isServer);
          const found = await byReader(stream, isServer, where);
          expect(found.events).toEqual(expected.events);
          // What was passed on of a message that is never whole comes on top.
          expect(found.bytes.subarray(0, expected.bytes.length).equals(expected.bytes)).toBe(true);
        },
      ),
    );
  });

  test('when it is no stream of frames at all', async () => {
    await fc.assert(
      fc.asyncProperty(bytes(300), fc.boolean(), cuts, async (values, isServer, where) => {
        const stream = Buffer.from(values);
        const [expected, found] = [await byOracle(stream, isServer), await byReader(stream, isServer, where)];
        // It may wait whether a close frame has cut a message off, and then has not said all.
        expect(expected.events.slice(0, found.events.length)).toEqual(found.events);
      }),
    );
  });
});

describe('a close frame in the middle of a message', () => {
  const [server, client] = [Buffer.of(0x88, 0x02, 0x03, 0xe9), Buffer.of(0x88, 0x82, 1, 2, 3, 4, 1 ^ 0x03, 2 ^ 0xe9)];

  test.each([
    ['of a server', false, server],
    ['of a client', true, client],
  ])(
    '%s is never taken for payload, no matter where the message was cut and the stream is',
    (_whose, isServer, closing) => {
      const data = Buffer.alloc(300, 'x');
      const message = encode([{ opcode: 2, fin: true, rsv1: false, payload: data }], isServer, Buffer.alloc(4));
      for (let length = 1; length < message.length; length++) {
        const stream = Buffer.concat([message.subarray(0, length), closing]);
        for (let cut = length - 1; cut <= stream.length; cut++) {
          const seen: Buffer[] = [];
          const reader = new MessageReader(
            { isServer, ...LIMITS },
            taker((piece) => seen.push(Buffer.from(piece))),
          );
          reader.onBytes(Buffer.from(stream.subarray(0, cut)));
          if (cut < stream.length) reader.onBytes(Buffer.from(stream.subarray(cut)));
          const got = Buffer.concat(seen).toString();
          expect(got).toBe(data.toString().slice(0, got.length));
        }
      }
    },
  );

  test('is payload after all when more follows it', () => {
    for (const [isServer, closing] of [
      [false, server],
      [true, client],
    ] as const) {
      const data = Buffer.concat([closing, closing, Buffer.from('0123456789')]);
      const message = encode([{ opcode: 2, fin: true, rsv1: false, payload: data }], isServer, Buffer.alloc(4));
      const seen: Buffer[] = [];
      const reader = new MessageReader(
        { isServer, ...LIMITS },
        taker((piece) => seen.push(Buffer.from(piece))),
      );
      for (const byte of message) reader.onBytes(Buffer.of(byte));
      expect(Buffer.concat(seen)).toEqual(data);
    }
  });
});

test('passes payload on without copying it', () => {
  const chunk = encode([{ opcode: 2, fin: true, rsv1: false, payload: Buffer.alloc(900) }], false, Buffer.alloc(4));
  const seen: Uint8Array[] = [];
  const reader = new MessageReader(
    { isServer: false, ...LIMITS },
    taker((b) => seen.push(b)),
  );
  reader.onBytes(chunk);
  expect(seen.map(({ buffer }) => buffer)).toEqual([chunk.buffer]);
});

test('does not wait for more behind a whole message with a random mask, however it ends on the wire', () => {
  const message = encode(
    [{ opcode: 2, fin: true, rsv1: false, payload: Buffer.alloc(40, 1) }],
    true,
    Buffer.of(0x89, 0x89, 0x89, 0x89),
  );
  expect(message.at(-1)).toBe(0x88);
  const seen: Uint8Array[] = [];
  const reader = new MessageReader(
    { isServer: true, ...LIMITS },
    taker((b) => seen.push(Buffer.from(b))),
  );
  reader.onBytes(message);
  expect(Buffer.concat(seen)).toEqual(Buffer.alloc(40, 1));
});

test('does not wait for more behind a fragment with a random mask, however it ends on the wire', () => {
  const mask = Buffer.of(0x89, 0x89, 0x89, 0x89);
  const fragments = [
    { opcode: 2, fin: false, rsv1: false, payload: Buffer.alloc(40, 1) },
    { opcode: 0, fin: true, rsv1: false, payload: Buffer.alloc(40, 1) },
  ].map((fragment) => encode([fragment], true, mask));
  const others: Buffer[] = [];
  const reader = new MessageReader(
    { isServer: true, ...LIMITS },
    taker(
      () => {},
      (b) => others.push(b),
    ),
  );
  for (const fragment of fragments) {
    expect(fragment.at(-1)).toBe(0x88);
    reader.onBytes(fragment);
  }
  expect(Buffer.concat(others)).toEqual(Buffer.concat(fragments));
});

/** A transport whose receiver is `take`. */
function taker(take: (bytes: Uint8Array) => void, onOther: (bytes: Buffer) => void = () => {}): MessageTaker {
  return { receiver: { ...deafReceiver, onBytes: take }, onOther };
}
