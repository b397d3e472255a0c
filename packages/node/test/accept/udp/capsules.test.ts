import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CapsuleError, CapsuleReader, encodeCapsule } from '../../../src/accept/udp/capsules.js';

/** What a reader makes of `bytes` that come in these pieces: hexadecimal payloads, and how it ends. */
function readIn(pieces: readonly Uint8Array[]): { payloads: string[]; error: string | undefined } {
  const payloads: string[] = [];
  const reader = new CapsuleReader((payload) => payloads.push(Buffer.from(payload).toString('hex')));
  try {
    for (const piece of pieces) reader.read(piece);
    return { payloads, error: undefined };
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    return { payloads, error: error.message };
  }
}

const readWhole = (bytes: Uint8Array) => readIn([bytes]);
const readByteByByte = (bytes: Uint8Array) => readIn([...bytes].map((byte) => Uint8Array.of(byte)));

/** `value` in `size` bytes: RFC 9000 section 16 allows more than are needed. */
function varint(value: number, size: 1 | 2 | 4 | 8 = value < 64 ? 1 : value < 16_384 ? 2 : 4): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  const last = bytes.subarray(8 - size);
  last[0] = (last[0] ?? 0) | (Math.log2(size) << 6);
  return last;
}

function capsule(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(type), varint(value.length), value]);
}

describe('a datagram', () => {
  it.each([
    ['of 7 bytes, as in RFC 9298', '0008' + '00' + 'a1a2a3a4a5a6a7', 'a1a2a3a4a5a6a7'],
    ['that is empty', '000100', ''],
    ['with type, length and context in eight bytes each', 'c000000000000000c000000000000009c000000000000000aa', 'aa'],
  ])('%s is read', (_title, bytes, payload) => {
    expect(readWhole(Buffer.from(bytes, 'hex'))).toEqual({ payloads: [payload], error: undefined });
  });

  it.each([0, 1, 62, 63, 16_382, 16_383, 65_507, 65_527])('of %i bytes is what was written', (length) => {
    const payload = Buffer.alloc(length, 7);
    const { payloads } = readWhole(encodeCapsule(payload));
    expect(payloads).toEqual([payload.toString('hex')]);
  });

  it('is written with the shortest length', () => {
    expect(encodeCapsule(Buffer.from('a1a2', 'hex')).toString('hex')).toBe('000300a1a2');
    expect(encodeCapsule(Buffer.alloc(100)).subarray(0, 4).toString('hex')).toBe('00406500');
    expect(encodeCapsule(Buffer.alloc(20_000)).subarray(0, 6).toString('hex')).toBe('0080004e2100');
  });

  it.each([
    ['without a context', capsule(0, Buffer.alloc(0))],
    ['with half a context', capsule(0, Buffer.from([0x40]))],
    ['with more payload than UDP has', capsule(0, Buffer.alloc(65_529))],
    ['longer than any', Buffer.concat([varint(0), varint(65_536)])],
  ])('%s ends the reading', (_title, bytes) => {
    expect(readWhole(bytes).error).toBeDefined();
    expect(readByteByByte(bytes)).toEqual(readWhole(bytes));
  });
});

describe('what is not known', () => {
  it('is skipped, no matter what it says', () => {
    const bytes = Buffer.concat([
      capsule(0x21, Buffer.alloc(1_000_000)),
      capsule(0, Buffer.from('02aaaa', 'hex')),
      capsule(0x2843, Buffer.alloc(0)),
      encodeCapsule(Buffer.from('bb', 'hex')),
    ]);
    expect(readWhole(bytes)).toEqual({ payloads: ['bb'], error: undefined });
  });

  it.each([1_048_577, 2 ** 40, 2 ** 61])('ends the reading when it is %d bytes long', (length) => {
    const { payloads, error } = readWhole(
      Buffer.concat([encodeCapsule(Buffer.of(1)), varint(0x21), varint(length, 8)]),
    );
    expect(payloads).toEqual(['01']);
    expect(error).toMatch(/^a capsule of /);
  });
});

describe('any bytes', () => {
  const size = fc.constantFrom<1 | 2 | 4 | 8>(1, 2, 4, 8);
  const small = fc.tuple(fc.nat(63), size).map(([value, bytes]) => varint(value, bytes));
  const one = fc.tuple(small, fc.uint8Array({ maxLength: 80 }), size).map(([type, value, bytes]) =>
    // A length of 64 to 80 does not fit into one byte.
    Buffer.concat([type, varint(value.length, value.length < 64 ? bytes : 4), value]),
  );
  const datagram = fc.uint8Array({ maxLength: 300 }).map(encodeCapsule);
  const likely = fc.array(fc.oneof(one, datagram), { maxLength: 8 }).map((parts) => Buffer.concat(parts));
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  const input = fc.oneof(
    likely,
    noise,
    fc.tuple(likely, noise).map((parts) => Buffer.concat(parts)),
  );

  it('mean the same, no matter where they are cut', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 6 }), (bytes, places) => {
        const whole = readWhole(bytes);
        const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const pieces = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
        expect(readIn(pieces)).toEqual(whole);
        expect(readByteByByte(bytes)).toEqual(whole);
      }),
      { numRuns: 1_000 },
    );
  });

  it('that are capsules bring exactly the payloads of those that are known', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 200 }))), (parts) => {
        const bytes = parts.map(([type, value]) => (type === 0 ? encodeCapsule(value) : capsule(type, value)));
        const payloads = parts.filter(([type]) => type === 0).map(([, value]) => Buffer.from(value).toString('hex'));
        expect(readWhole(Buffer.concat(bytes))).toEqual({ payloads, error: undefined });
      }),
    );
  });
});
