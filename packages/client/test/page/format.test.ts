import { expect, test } from 'vitest';
import { formatBytes, formatClock, formatRate, formatRoundTrip, formatTime, hostOf } from '../../page/format.js';

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
  [8_040_000, '2 h 14 min'],
  [86_400_000, '1 d'],
  [266_400_000, '3 d 2 h'],
])('a time of %d ms is %s', (ms, text) => expect(formatTime(ms)).toBe(text));

test.each([
  [0.123, '0.1 ms'],
  [42.6, '43 ms'],
])('a round trip of %s ms is %s', (ms, text) => expect(formatRoundTrip(ms)).toBe(text));

test('a time of day has its seconds, or the day when that was another one', () => {
  const now = new Date(2026, 10, 26, 14, 2, 11).getTime();
  expect(formatClock(now, now)).toBe('14:02:11');
  expect(formatClock(new Date(2026, 10, 26, 0, 5, 9).getTime(), now)).toBe('00:05:09');
  expect(formatClock(new Date(2026, 10, 25, 23, 59, 59).getTime(), now)).toBe('25 Nov 23:59');
});

test('a server is its host', () => {
  expect(hostOf('wss://proxy.example.org:8443/tunnel')).toBe('proxy.example.org');
  expect(hostOf('the server')).toBe('the server');
});
