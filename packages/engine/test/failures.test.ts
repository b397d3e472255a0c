import { expect, test } from 'vitest';
import { FAILURES, failureFromWire } from '../src/failures.js';

const rows = Object.entries(FAILURES);

test('every failure has a wire code of its own, from 1 on', () => {
  expect(rows.map(([, { wire }]) => wire)).toEqual(rows.map((_, index) => index + 1));
});

test.each(rows)('%s comes back from its wire code', (code, { wire }) => {
  expect(failureFromWire(wire)).toBe(code);
});

test.each([0, rows.length + 1, 65_535])('wire code %i, which is not in the table, is an internal error', (wire) => {
  expect(failureFromWire(wire)).toBe('INTERNAL');
});

test('a limit of connections, which RFC 9209 section 2.3.12 tells by 503, is none that is told otherwise', () => {
  const limits = rows.filter(([, { proxyStatus }]) => proxyStatus === 'connection_limit_reached');
  expect(limits.map(([, { http }]) => http)).toEqual([503]);
});

test.each(rows)('%s has codes that exist in SOCKS5 and HTTP', (_code, { socks5, http, text, proxyStatus }) => {
  expect(socks5).toBeGreaterThanOrEqual(1);
  expect(socks5).toBeLessThanOrEqual(8);
  expect([400, 403, 501, 502, 503, 504]).toContain(http);
  expect(text).not.toBe('');
  expect(proxyStatus).toMatch(/^[a-z_]+$/);
});
