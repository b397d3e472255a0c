import { expect, test } from 'vitest';
import { fromHex, toHex } from 'wsproxy-test-support/engine/bytes';
import { decodeBeginning, decodeNumber, encodeBeginning, encodeNumber, serviceOf } from '../../src/push/beginning.js';

test.each([1, 2 ** 32, Number.MAX_SAFE_INTEGER])('a beginning with %i is read back', (number) => {
  const beginning = { epoch: '0123456789abcdef', number };
  expect([decodeBeginning(encodeBeginning(beginning)), decodeNumber(encodeNumber(number))]).toEqual([
    beginning,
    number,
  ]);
});

test('its bytes are the epoch and the number', () => {
  expect(toHex(encodeBeginning({ epoch: '0123456789abcdef', number: 258 }))).toBe('0123456789abcdef0000000000000102');
});

test.each(['', '00', '00'.repeat(15), '00'.repeat(17), `${'00'.repeat(8)}${'ff'.repeat(8)}`])('%j is none', (hex) => {
  expect(decodeBeginning(fromHex(hex))).toBeUndefined();
});

test.each(['', '00'.repeat(7), '00'.repeat(9), 'ff'.repeat(8)])('%j is no number', (hex) => {
  expect(decodeNumber(fromHex(hex))).toBeUndefined();
});

test('a stream has a service of its own', () => {
  expect(serviceOf('news')).toBe('push/news');
});
