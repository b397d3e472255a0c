import { expect, test } from 'vitest';
import { formatAge, formatBytes, formatRate, formatRoundTrip } from '../../page/format.js';

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1_023, '1023 B'],
  [1_024, '1.00 KiB'],
  [10_240, '10.0 KiB'],
  [102_400, '100 KiB'],
  [1_572_864, '1.50 MiB'],
  [5 * 2 ** 40, '5.00 TiB'],
  [5_000 * 2 ** 40, '5000 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0, '0 B/s'],
  [0.4, '0 B/s'],
  [2_048.4, '2.00 KiB/s'],
])('%d bytes a second are %s', (rate, text) => expect(formatRate(rate)).toBe(text));

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [3_600_000, '1 h'],
  [86_400_000, '1 d'],
])('an age of %d ms is %s', (ms, text) => expect(formatAge(ms)).toBe(text));

test.each([
  [undefined, '–'],
  [0.123, '0.1 ms'],
  [42.6, '43 ms'],
])('a round trip of %s ms is %s', (ms, text) => expect(formatRoundTrip(ms)).toBe(text));
