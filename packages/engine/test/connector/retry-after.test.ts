import { expect, test } from 'vitest';
import { ConnectError } from '../../src/connector/connect-error.js';
import { parseRetryAfter } from '../../src/connector/retry-after.js';

const NOW = Date.parse('2026-11-28T12:00:00Z');

test.each([
  [undefined, 0],
  ['7', 7_000],
  ['0', 0],
  ['-1', 0],
  ['soon', 0],
  ['Sat, 28 Nov 2026 12:00:30 GMT', 30_000],
  ['Sat, 28 Nov 2026 11:59:30 GMT', 0],
])('Retry-After %j asks to wait for %d ms', (text, wait) => {
  expect(parseRetryAfter(text, NOW)).toBe(wait);
});

test('nobody is asked to wait for more than five minutes', () => {
  expect(new ConnectError('away', false, { retryAfter: 900_000 }).retryAfter).toBe(300_000);
});
