import { describe, expect, test } from 'vitest';
import { bytesOf, filled } from 'wsproxy-test-support/engine/bytes';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { encodePlain, u32 } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { ProtocolError } from '../../src/errors.js';
import { FrameDecoder } from '../../src/frame/decode.js';
import { FrameType } from '../../src/frame/frame.js';

/** Shortest and longest payload of each type, from the table of the specification, and a channel that fits. */
const rules: [name: string, type: number, min: number, max: number, channel: number][] = [
  ['OPEN', 0x01, 7, 261, 1],
  ['OPEN_OK', 0x02, 4, 4, 1],
  ['OPEN_FAIL', 0x03, 2, 2, 1],
  ['DATA', 0x04, 1, 65_535, 1],
  ['FIN', 0x05, 0, 0, 1],
  ['RESET', 0x06, 2, 2, 1],
  ['LISTEN', 0x07, 8, 518, 1],
  ['LISTENING', 0x08, 3, 258, 1],
  ['FLOW', 0x09, 4, 259, 1],
  ['INCOMING', 0x0a, 10, 301, 1],
  ['LONG_DATA', 0x0b, 65_536, 262_144, 1],
  ['HELLO', 0x80, 56, 1024, 0],
  ['RESUME', 0x81, 64, 1024, 0],
  ['ACK', 0x82, 8, 8, 0],
  ['PING', 0x83, 8, 8, 0],
  ['PONG', 0x84, 8, 8, 0],
  ['WINDOW', 0x85, 8, 8, 1],
  ['GOAWAY', 0x86, 8, 8, 0],
  ['TAKEN', 0x87, 16, 16, 0],
  ['RETURN', 0x88, 16, 16, 1],
  ['RETURNED', 0x89, 16, 16, 1],
  ['DATAGRAM', 0xc8, 2, 65_535, 1],
];

const LONG = 0x0b;

function header(type: number, length: number, channel: number, flags = length >>> 16): Uint8Array {
  return join([bytesOf([type, flags, (length >>> 8) & 0xff, length & 0xff]), u32(channel)]);
}

function push(bytes: Uint8Array): CollectingSink {
  const sink = new CollectingSink();
  new FrameDecoder(sink).push(bytes);
  return sink;
}

describe.each(rules)('%s', (_name, type, min, max, channel) => {
  test.each([min, max])('is taken with a payload of its shortest and longest length, %i', (length) => {
    const frame = { type, channel, payload: filled(length, 1) };
    expect(push(encodePlain(frame)).frames).toEqual([frame]);
  });

  test.each([min - 1, max + 1].filter((length) => length >= 0 && (type === LONG || length <= 65_535)))(
    'is refused with a payload of %i, as soon as the header is there',
    (length) => {
      expect(() => push(header(type, length, channel))).toThrow(ProtocolError);
      expect(() => push(header(type, length, channel))).toThrow(new RegExp(`\\b${type} .*\\b${length}\\b`));
    },
  );

  // Those of a long frame are a part of its length.
  test.each(type === LONG ? [] : [1, 0x80])('is refused with flags %i', (flags) => {
    expect(() => push(header(type, min, channel, flags))).toThrow(ProtocolError);
    expect(() => push(header(type, min, channel, flags))).toThrow(new RegExp(`flags ${flags} .*\\b${type}\\b`));
  });

  test('is refused on the wrong kind of channel', () => {
    const wrong = channel === 0 ? 1 : 0;
    expect(() => push(header(type, min, wrong))).toThrow(ProtocolError);
    expect(() => push(header(type, min, wrong))).toThrow(new RegExp(`\\b${type} on channel ${wrong}`));
  });
});

const known = new Set(rules.map(([, type]) => type));
const unknown = Array.from({ length: 256 }, (_, type) => type).filter((type) => !known.has(type));
const ignorable = unknown.filter((type) => type >= 0xc0);

test.each([
  ['in one piece', [1_000]],
  ['byte by byte', [1]],
  ['in pieces', [5, 7, 2]],
])('an unknown frame that may be skipped is skipped with its payload, %s', (_how, lengths) => {
  const fin = { type: FrameType.fin, channel: 1, payload: zeros(0) };
  for (const type of ignorable) {
    const bytes = join([header(type, 21, 77, 0xff), filled(21, 0x05), header(type, 0, 0), encodePlain(fin)]);
    const sink = new CollectingSink();
    const decoder = new FrameDecoder(sink);
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[i % lengths.length] ?? 1;
      decoder.push(bytes.subarray(at, at + length));
      at += length;
    }
    expect(sink.frames).toEqual([fin]);
  }
});

test('any other unknown frame is refused by its first bytes', () => {
  for (const type of unknown.filter((type) => type < 0xc0)) {
    expect(() => push(header(type, 0, 0)), `type ${type}`).toThrow(`unknown frame type ${type}`);
  }
});

test('a header is not judged before it is complete', () => {
  const decoder = new FrameDecoder(new CollectingSink());
  const bytes = header(0x7f, 0, 0);
  decoder.push(bytes.subarray(0, 7));
  expect(() => decoder.push(bytes.subarray(7))).toThrow(ProtocolError);
});

test('a chunk that is nothing but payload is passed on as it is, not as another view of it', () => {
  const pieces: Uint8Array[] = [];
  const sink = { onFrame() {}, onData: (_channel: number, piece: Uint8Array) => pieces.push(piece) };
  const decoder = new FrameDecoder(sink);
  const chunk = zeros(100);
  decoder.push(header(FrameType.data, 100, 1));
  decoder.push(chunk);
  expect(pieces[0]).toBe(chunk);
});
