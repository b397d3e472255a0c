import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, toHex } from 'wsproxy-test-support/engine/bytes';
import { isSameSecret, randomBytes } from '../src/secrets.js';

test('randomBytes gives as many as it is asked for, and others each time', () => {
  const given = Array.from({ length: 100 }, () => randomBytes(16));
  expect(given.every(({ length }) => length === 16)).toBe(true);
  expect(new Set(given.map(toHex)).size).toBe(100);
});

test('a secret is the same only when all of it is', () => {
  const secret = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(secret, fc.nat(), fc.integer({ min: 1, max: 255 }), (known, at, change) => {
      const said = bytesOf(known);
      expect(isSameSecret(bytesOf(known), said)).toBe(true);
      const place = at % said.length;
      said[place] = (said[place] as number) ^ change;
      expect(isSameSecret(known, said)).toBe(false);
      expect(isSameSecret(known, known.subarray(1))).toBe(false);
      expect(isSameSecret(known.subarray(1), known)).toBe(false);
    }),
  );
});
