import { describe, expect, test } from 'vitest';
import { didYouMean } from '../../src/options/did-you-mean.js';

const KNOWN = ['allow', 'allow-private', 'listen', 'port', 'token-file', 'url'];

describe('the name that was meant', () => {
  test.each([
    ['listne', 'listen'],
    ['uri', 'url'],
    ['prot', 'port'],
    ['token', 'token-file'],
    ['allowPrivate', 'allow-private'],
    ['ALLOW_PRIVAT', 'allow-private'],
    ['alow', 'allow'],
  ])('of %s is %s', (name, meant) => {
    expect(didYouMean(name, KNOWN)).toBe(`; did you mean ${meant}?`);
  });

  test.each(['', 'x', 'connections', 'toString'])('of %j nobody knows', (name) => {
    expect(didYouMean(name, KNOWN)).toBe('');
  });
});
