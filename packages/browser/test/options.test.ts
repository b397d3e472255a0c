import { describe, expect, test } from 'vitest';
import { readOptions } from '../src/options.js';

describe('the options of a client', () => {
  test.each([
    'wss://proxy.example.org/tunnel#TOKEN',
    'wss://alice@proxy.example.org/',
    'wss://:TOKEN@proxy.example.org/',
  ])('have no secret in the URL: %s', (url) => {
    expect(() => readOptions({ url, ticket: () => Promise.resolve('') })).toThrow(
      new TypeError('url: a page comes in by tickets; leave out user, password, and what is behind #'),
    );
  });

  test('are known ones alone', () => {
    const given = { url: 'wss://proxy.example.org/', ticket: () => Promise.resolve(''), heartbeet: 5_000 };
    expect(() => readOptions(given)).toThrow(new TypeError('heartbeet: there is no such option'));
  });
});
