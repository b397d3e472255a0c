import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, filled, isEqual } from 'wsproxy-test-support/engine/bytes';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { datagram } from 'wsproxy-test-support/engine/frames';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { decodePlain, encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { ProtocolError } from '../../src/errors.js';
import { FrameDecoder } from '../../src/frame/decode.js';
import { FrameBatch } from '../../src/frame/encode.js';
import { FrameType } from '../../src/frame/frame.js';
import { frames, longFrame, slice, slicing } from './frame-arbitraries.js';

const memory = newMemory();

function decode(slices: readonly Uint8Array[]): CollectingSink {
  const sink = new CollectingSink();
  const decoder = new FrameDecoder(sink);
  for (const bytes of slices) decoder.push(bytes);
  return sink;
}

const data = (channel: number, payload: string): PlainFrame => ({
  type: FrameType.data,
  channel,
  payload: bytesOf(payload),
});

describe('any sequence of frames', () => {
  test('comes out of the decoder as it went into the encoder, however it is sliced', () => {
    fc.assert(
      fc.property(fc.array(frames), slicing, (sent, lengths) => {
        const batch = new FrameBatch(memory);
        for (const { type, channel, payload } of sent) batch.add(type, channel, payload);
        const bytes = join(batch.take());
        expect(bytes).toEqual(join(sent.map(encodePlain)));
        expect(decode(slice(bytes, lengths)).frames).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  test('may have long frames among them', () => {
    const mixed = fc.array(fc.oneof(frames, longFrame), { maxLength: 6 });
    fc.assert(
      fc.property(mixed, fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }), (sent, lengths) => {
        const batch = new FrameBatch(memory);
        for (const { type, channel, payload } of sent) batch.add(type, channel, payload);
        const bytes = join(batch.take());
        expect(isEqual(bytes, join(sent.map(encodePlain)))).toBe(true);
        const read = decode(slice(bytes, [...lengths, 60_000])).frames;
        expect(read.map(({ type, channel }) => [type, channel])).toEqual(
          sent.map(({ type, channel }) => [type, channel]),
        );
        expect(read.every(({ payload }, i) => isEqual(payload, sent[i]?.payload ?? zeros(0)))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('is read as the plain codec reads it, also when the last frame is cut off', () => {
    fc.assert(
      fc.property(fc.array(frames, { minLength: 1 }), slicing, fc.nat(), (sent, lengths, missing) => {
        const whole = join(sent.map(encodePlain));
        const bytes = whole.subarray(0, whole.length - (missing % whole.length));
        expect(decode(slice(bytes, lengths)).frames).toEqual(decodePlain(bytes).frames);
      }),
      { numRuns: 300 },
    );
  });

  test('is the same after every cut into two', () => {
    const sent: PlainFrame[] = [
      { type: FrameType.hello, channel: 0, payload: filled(56, 1) },
      { type: FrameType.open, channel: 1, payload: bytesOf('..........example') },
      data(1, 'early data'),
      { type: FrameType.fin, channel: 1, payload: zeros(0) },
      datagram(9, 'a datagram'),
      { type: 0xc9, channel: 9, payload: bytesOf('nobody knows this') },
      { type: FrameType.ping, channel: 0, payload: filled(8, 3) },
    ];
    const bytes = join(sent.map(encodePlain));
    const known = sent.filter(({ type }) => type !== 0xc9);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(decode([bytes.subarray(0, cut), bytes.subarray(cut)]).frames).toEqual(known);
    }
  });
});

describe('DATA', () => {
  test('is passed on in pieces before its frame is complete', () => {
    const sink = new CollectingSink();
    const decoder = new FrameDecoder(sink);
    const bytes = encodePlain(data(7, 'abcdef'));
    decoder.push(bytes.subarray(0, 8));
    expect(sink.pieces).toEqual([]);
    decoder.push(bytes.subarray(8, 10));
    decoder.push(bytes.subarray(10, 13));
    expect(sink.pieces).toEqual([
      { channel: 7, length: 2, last: false },
      { channel: 7, length: 3, last: false },
    ]);
    decoder.push(bytes.subarray(13));
    expect(sink.pieces.at(-1)).toEqual({ channel: 7, length: 1, last: true });
    expect(sink.frames).toEqual([data(7, 'abcdef')]);
  });

  test('never comes as an empty piece', () => {
    fc.assert(
      fc.property(fc.array(frames), slicing, (sent, lengths) => {
        const { pieces } = decode(slice(join(sent.map(encodePlain)), lengths));
        expect(pieces.filter(({ length }) => length === 0)).toEqual([]);
      }),
    );
  });

  test('is a view of what was pushed, not a copy', () => {
    const pieces: Uint8Array[] = [];
    const bytes = encodePlain(data(1, 'abc'));
    new FrameDecoder({ onFrame() {}, onData: (_channel, piece) => pieces.push(piece) }).push(bytes);
    expect(pieces[0]?.buffer).toBe(bytes.buffer);
  });
});

describe('everything else', () => {
  test('survives a caller that uses its buffer again', () => {
    const sink = new CollectingSink();
    const decoder = new FrameDecoder(sink);
    const reused = zeros(1);
    const ack: PlainFrame = { type: FrameType.ack, channel: 0, payload: bytesOf('01234567') };
    for (const byte of encodePlain(ack)) {
      reused[0] = byte;
      decoder.push(reused);
    }
    expect(sink.frames).toEqual([ack]);
  });

  test('goes to the sink that is set when it is complete', () => {
    const [first, second] = [new CollectingSink(), new CollectingSink()];
    const decoder = new FrameDecoder({
      onFrame(type, channel, payload) {
        first.onFrame(type, channel, payload);
        decoder.sink = second;
      },
      onData() {},
    });
    const sent = [1, 2, 3].map((n) => ({ type: FrameType.ping, channel: 0, payload: filled(8, n) }));
    decoder.push(join(sent.map(encodePlain)));
    expect(first.frames).toEqual(sent.slice(0, 1));
    expect(second.frames).toEqual(sent.slice(1));
  });

  test('is not read any more once there is no sink', () => {
    const seen: number[] = [];
    const decoder = new FrameDecoder({
      onFrame(type) {
        seen.push(type);
        decoder.sink = undefined;
      },
      onData() {},
    });
    const fin = encodePlain({ type: FrameType.fin, channel: 1, payload: zeros(0) });
    decoder.push(join([fin, fin, bytesOf('this is no frame at all')]));
    expect(seen).toEqual([FrameType.fin]);
  });
});

describe('arbitrary bytes', () => {
  /** Headers that are right in all but one thing get further than noise. */
  const nearly = fc
    .tuple(fc.constantFrom(1, 2, 3, 4, 5, 6, 0x80, 0x85, 0xc8, 0xff), fc.nat(1), fc.nat(60), fc.nat(2))
    .map(([type, flags, length, channel]) => bytesOf([type, flags, 0, length, 0, 0, 0, channel]));
  const noise = fc.uint8Array({ maxLength: 80 }).map((bytes) => bytesOf(bytes));

  test('never make the decoder throw anything but ProtocolError with 4003', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(nearly, noise, frames.map(encodePlain))), slicing, (parts, lengths) => {
        const decoder = new FrameDecoder(new CollectingSink());
        try {
          for (const bytes of slice(join(parts), lengths)) decoder.push(bytes);
        } catch (error) {
          if (!(error instanceof ProtocolError) || error.closeCode !== 4003) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
