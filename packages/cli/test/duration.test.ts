import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../src/duration.js';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('reads %s as %d ms', (text, duration) => {
    expect(parseDuration(text)).toBe(duration);
  });

  it.each([
    '',
    '30',
    's',
    '-1s',
    '1.5s',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1S',
    '1d',
    '1e3ms',
    '0x1s',
    '٣s',
    '99999999999ms',
  ])('refuses %j and says what is expected', (text) => {
    expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
    expect(() => parseDuration(text)).toThrow('such as 500ms, 30s, 2m or 1h');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [120_000, '2m'],
    [7_200_000, '2h'],
  ])('writes %d ms as %s', (duration, text) => {
    expect(formatDuration(duration)).toBe(text);
  });

  it('is the inverse of parseDuration', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (duration) => {
        expect(parseDuration(formatDuration(duration))).toBe(duration);
      }),
    );
  });
});
