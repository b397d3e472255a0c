import { describe, expect, test } from 'vitest';
import {
  aString,
  checkOptions,
  OptionError,
  type OptionTable,
  problemOfNumber,
  thrownBy,
  withDefaults,
} from '../../src/options/index.js';

const TABLE: OptionTable<'word'> = {
  name: { unit: 'word', default: 'nobody', text: 'who' },
  tags: { unit: 'word', list: true, text: 'any number of them' },
  country: { formerly: ['place', '--place'], unit: 'word', text: 'where' },
  loud: { unit: 'switch', default: false, text: 'or not' },
  level: { unit: 'choice', choices: ['low', 'high'], text: 'of it' },
  'times.wait': { unit: 'ms', min: 100, max: 1_000, zero: 'off', text: 'before' },
  file: { unit: 'word', library: false, flags: '--file <file>', text: 'of the command line' },
};
const CHECKS = { word: aString((text) => (text === 'wrong' ? 'is wrong' : undefined)) };
const check = (options: object) => checkOptions(TABLE, CHECKS, options);

describe('options', () => {
  test('that are right, or undefined, are taken', () => {
    check({ name: 'a', tags: ['a', 'b'], loud: true, level: 'low', times: { wait: 0 } });
    check({ name: undefined, tags: undefined, times: undefined });
    check({ times: {} });
  });

  test.each<[object, string, string]>([
    [{ name: 1 }, 'name', 'expected a string'],
    [{ name: 'wrong' }, 'name', 'is wrong'],
    [{ tags: 'a' }, 'tags', 'expected a list of strings'],
    [{ tags: ['a', 1] }, 'tags', 'expected a list of strings'],
    [{ tags: ['a', 'wrong'] }, 'tags', 'is wrong'],
    [{ loud: 'yes' }, 'loud', 'expected true or false'],
    [{ level: 'middle' }, 'level', 'expected low or high'],
    [{ times: { wait: 99 } }, 'times.wait', 'expected a whole number from 100 to 1000 ms, or 0 (off), got 99'],
    [{ times: { waits: 1 } }, 'times.waits', 'there is no such option; did you mean times.wait?'],
    [{ times: 7 }, 'times', 'expected an object'],
    [{ file: 'x' }, 'file', 'there is no such option'],
    [{ nam: 'a', name: 1 }, 'nam', 'there is no such option; did you mean name?'],
    [{ place: 'a' }, 'place', 'there is no such option; it is called country now'],
    [{ toString: 'a' }, 'toString', 'there is no such option'],
  ])('%j are refused for the first that is wrong', (options, option, problem) => {
    expect(() => check(options)).toThrow(new OptionError(option, problem));
    expect(() => check(options)).toThrow(TypeError);
  });

  test('that are not given have the defaults of the table, and lists are empty', () => {
    expect(withDefaults(TABLE, { level: 'low', name: undefined })).toEqual({
      name: 'nobody',
      tags: [],
      loud: false,
      level: 'low',
    });
  });
});

test('what a parser says is the problem, without the name of an option', () => {
  const judge = thrownBy((text) => {
    if (text === 'named') throw new OptionError('name', 'is wrong');
    if (text === 'plain') throw new TypeError('not a word');
  });
  expect(['named', 'plain', 'fine'].map(judge)).toEqual(['is wrong', 'not a word', undefined]);
});

test.each([
  ['count', ''],
  ['ms', ' ms'],
  ['bytes', ' bytes'],
  ['rate', ' bytes a second'],
] as const)('a number of the unit %s is told with its range', (unit, words) => {
  const rule = { unit, min: 1, max: 10, text: '' };
  expect(problemOfNumber(rule, 11)).toBe(`expected a whole number from 1 to 10${words}, got 11`);
  for (const value of [0, 1.5, '5', Number.NaN]) expect(problemOfNumber(rule, value)).toContain(`got ${value}`);
  for (const value of [1, 10]) expect(problemOfNumber(rule, value)).toBeUndefined();
});
