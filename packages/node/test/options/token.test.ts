import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isDigestOfNothing } from '../../src/options/index.js';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a digest', () => {
  test.each(['', '\n', '\r\n'])('of %j is of nothing', (text) => {
    const digest = digestOf(text);
    expect([digest, digest.toUpperCase()].map(isDigestOfNothing)).toEqual([true, true]);
  });

  test.each(['a', '0'])('of %j is of something', (text) => {
    expect(isDigestOfNothing(digestOf(text))).toBe(false);
  });
});
