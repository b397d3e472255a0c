import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes, addressText } from '../src/ip-bytes.js';

describe('an address', () => {
  test.each([
    ['192.0.2.1', [192, 0, 2, 1]],
    ['0.0.0.0', [0, 0, 0, 0]],
    ['::', Array(16).fill(0)],
    ['::1', [...Array(15).fill(0), 1]],
    ['2001:db8::', [0x20, 1, 0xd, 0xb8, ...Array(12).fill(0)]],
    ['::ffff:192.0.2.1', [...Array(10).fill(0), 255, 255, 192, 0, 2, 1]],
    ['2001:db8:0:1:1:1:1:1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]],
    ['2001:0:0:1::1', [0x20, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:db8::1:0:0:1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
  ])('%s is written and read in the spelling of RFC 5952', (text, bytes) => {
    expect(addressBytes(text)).toEqual(bytes);
    expect(addressText(bytes)).toBe(text);
  });

  test.each([
    ['2001:DB8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::192.0.2.1', '::c000:201'],
    ['0:0:0:0:0:FFFF:c000:201', '::ffff:192.0.2.1'],
  ])('%s is spelt %s', (text, canonical) => {
    expect(addressText(addressBytes(text) ?? [])).toBe(canonical);
  });

  test.each(['', 'example.org', '127.1', '1.2.3.4.5', '::1%eth0', '[::1]', ':::'])('%s is none', (text) => {
    expect(addressBytes(text)).toBeUndefined();
  });

  test('comes back from its text, no matter what it is', () => {
    const byte = fc.oneof(fc.constant(0), fc.nat(255));
    const bytes = fc.oneof(
      fc.array(byte, { minLength: 4, maxLength: 4 }),
      fc.array(byte, { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(bytes, (all) => {
        expect(addressBytes(addressText(all))).toEqual(all);
      }),
      { numRuns: 2_000 },
    );
  });
});
