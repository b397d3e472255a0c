import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorizationValues, createAuthenticator } from '../src/authenticate.js';

const token = 'correct-horse-battery-staple-0123456789';
const authenticate = createAuthenticator(token);

describe('createAuthenticator', () => {
  test.each([`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}`])('knows the user of %j', (authorization) => {
    expect(authenticate(authorization)).toEqual({ id: 'default' });
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no token', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['the token alone', token],
    ['another scheme', `Basic ${token}`],
    ['a token without its last character', `Bearer ${token.slice(0, -1)}`],
    ['a token with one more character', `Bearer ${token}x`],
    ['a token in another case', `Bearer ${token.toUpperCase()}`],
    ['a token twice', `Bearer ${token} ${token}`],
    ['two tokens', `Bearer ${token}, Bearer ${token}`],
    ['a quoted token', `Bearer "${token}"`],
    ['text before the scheme', `x Bearer ${token}`],
    ['an empty digest', 'Bearer \0'],
    ['a very long token', `Bearer ${'x'.repeat(16_000)}`],
  ])('knows nobody by %s', (_, authorization) => {
    expect(authenticate(authorization)).toBeUndefined();
  });

  test('knows nobody by any other token, and never throws', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `Bearer ${text}`),
    );
    fc.assert(fc.property(header, (authorization) => authenticate(authorization) === undefined));
  });

  test.each([0, 31])('refuses a token of %i characters', (length) => {
    expect(() => createAuthenticator('x'.repeat(length))).toThrow(RangeError);
  });

  test('accepts a token of 32 characters', () => {
    const shortest = createAuthenticator('x'.repeat(32));
    expect(shortest(`Bearer ${'x'.repeat(32)}`)).toEqual({ id: 'default' });
    expect(shortest(undefined)).toBeUndefined();
  });
});

describe('authorizationValues', () => {
  test('finds every value in order, whatever the case of the name', () => {
    const rawHeaders = [
      'Host',
      'authorization',
      'AUTHORIZATION',
      'one',
      'X-Authorization',
      'none',
      'authorization',
      'two',
    ];
    expect(authorizationValues(rawHeaders)).toEqual(['one', 'two']);
  });

  test('finds none among other headers, even those that an object cannot hold safely', () => {
    expect(authorizationValues([])).toEqual([]);
    expect(authorizationValues(['__proto__', 'x', 'constructor', 'authorization'])).toEqual([]);
  });
});
