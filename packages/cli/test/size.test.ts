import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSize, parseSize } from '../src/index.js';

describe('a size', () => {
  test.each([
    ['0', 0],
    ['65536', 65_536],
    ['64k', 65_536],
    ['64K', 65_536],
    ['10M', 10_485_760],
    ['1G', 1_073_741_824],
    ['2T', 2_199_023_255_552],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', '-1', '1.5M', '1MB', '1 M', 'M', '1e6', '0x10', '8192T', '9999999999999999'])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(/^Expected (bytes|at most)/);
  });

  test('is read as it was formatted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), fc.constantFrom(0, 10, 20), (number, shift) => {
        const size = Math.floor(number / 2 ** shift) * 2 ** shift;
        expect(parseSize(formatSize(size))).toBe(size);
      }),
    );
  });
});
