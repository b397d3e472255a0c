import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, filled } from 'wsproxy-test-support/engine/bytes';
import {
  allocate,
  allocateAlone,
  copyOf,
  join,
  readLatin1,
  readU16,
  readU32,
  readUtf8,
  utf8,
  viewOf,
  writeLatin1,
  writeU16,
  writeU32,
  zeros,
} from '../src/bytes.js';

const content = fc.uint8Array({ maxLength: 100 });

test.each([
  ['allocate', allocate],
  ['allocateAlone', allocateAlone],
  ['zeros', zeros],
])('%s gives as many bytes as it is asked for', (_name, make) => {
  for (const length of [0, 1, 4_096, 100_000]) expect(make(length)).toHaveLength(length);
});

test('allocateAlone shares its memory with nothing', () => {
  expect(allocateAlone(10).buffer.byteLength).toBe(10);
});

test('zeros are zeros, no matter what was there before', () => {
  for (let n = 0; n < 100; n++) allocate(64).fill(7);
  expect(zeros(64)).toEqual(filled(64, 0));
});

test('copyOf and join copy, and keep order and content', () => {
  fc.assert(
    fc.property(fc.array(content), (all) => {
      const parts = all.map((part) => copyOf(part));
      const joined = join(parts);
      expect([...joined]).toEqual(all.flatMap((part) => [...part]));
      for (const [n, part] of parts.entries()) {
        expect([...part]).toEqual([...(all[n] ?? [])]);
        part.fill(1);
      }
      expect([...joined]).toEqual(all.flatMap((part) => [...part]));
    }),
  );
});

test('viewOf does not copy', () => {
  const whole = bytesOf('abcdef');
  viewOf(whole.buffer, whole.byteOffset + 1, 2).fill(0x2e);
  expect(whole).toEqual(bytesOf('a..def'));
});

test('are Buffers where there are some, and arrays in a page', () => {
  const { Buffer = Uint8Array } = globalThis as { Buffer?: unknown };
  expect(Buffer === Uint8Array).toBe('document' in globalThis);
  for (const bytes of [allocate(1), allocateAlone(1), zeros(1), copyOf(zeros(1)), join([])]) {
    expect(bytes.constructor).toBe(Buffer);
  }
});

test('what they all give can be cut without copying, and is of the same kind', () => {
  const whole = allocate(10).fill(1);
  const part = whole.subarray(2, 4).fill(2);
  expect([...whole]).toEqual([1, 1, 2, 2, 1, 1, 1, 1, 1, 1]);
  expect(part.constructor).toBe(whole.constructor);
});

describe('integers', () => {
  test('are big-endian, as in PROTOCOL.md, and come back as they went', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat(3), (short, long, at) => {
        const bytes = zeros(12);
        writeU16(bytes, short, at);
        writeU32(bytes, long, at + 2);
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        expect([view.getUint16(at), view.getUint32(at + 2)]).toEqual([short, long]);
        expect([readU16(bytes, at), readU32(bytes, at + 2)]).toEqual([short, long]);
      }),
    );
  });

  test.each([-1, 0x1_0000, Number.NaN, Number.POSITIVE_INFINITY])(
    'of 16 bits are refused when they are %d',
    (value) => {
      expect(() => writeU16(zeros(2), value, 0)).toThrow(RangeError);
    },
  );

  test.each([-1, 0x1_0000_0000, Number.NaN])('of 32 bits are refused when they are %d', (value) => {
    expect(() => writeU32(zeros(4), value, 0)).toThrow(RangeError);
  });
});

test('a text of one byte a character comes back as it went', () => {
  fc.assert(
    fc.property(content, fc.nat(5), (bytes, at) => {
      const text = readLatin1(copyOf(bytes));
      expect(text).toHaveLength(bytes.length);
      const written = filled(at + bytes.length + 1, 7);
      writeLatin1(written, text, at);
      expect([...written]).toEqual([...Array.from({ length: at }, () => 7), ...bytes, 7]);
    }),
  );
  expect(readLatin1(bytesOf([0x61, 0xe9, 0xff]))).toBe('aéÿ');
});

describe('UTF-8', () => {
  test('is what encoders of the platform make of a text, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const bytes = utf8(text) ?? zeros(0);
        expect([...bytes]).toEqual([...new TextEncoder().encode(text)]);
        expect(readUtf8(bytes)).toBe(text);
      }),
    );
  });

  test('that is none is told from a text as decoders of the platform do it', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const decode = (bytes: Uint8Array): string | undefined => {
      try {
        return decoder.decode(bytes);
      } catch {
        return undefined;
      }
    };
    const mostlyHigh = fc.array(fc.oneof(fc.integer({ min: 0x7e, max: 0xff }), fc.nat(0xff)), { maxLength: 8 });
    fc.assert(
      fc.property(mostlyHigh, (bytes) => {
        expect(readUtf8(bytesOf(bytes))).toBe(decode(bytesOf(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('has nothing for half a character', () => {
    expect(utf8('\ud800')).toBeUndefined();
  });
});
