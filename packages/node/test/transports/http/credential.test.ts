import { describe, expect, test } from 'vitest';
import { authorizationValues } from '../../../src/transports/http/credential.js';

describe('authorizationValues', () => {
  test('finds every value in order, no matter what the case of the name', () => {
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
