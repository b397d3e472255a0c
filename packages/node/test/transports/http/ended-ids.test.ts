import { beforeEach, describe, expect, test } from 'vitest';
import { EndedIds } from '../../../src/transports/http/ended-ids.js';

const MINUTE = 60_000;
let now: number;
let ended: EndedIds;

beforeEach(() => {
  now = 0;
  ended = new EndedIds({ now: () => now });
});

describe('the names of transports that are over', () => {
  test('are known for a minute, and then forgotten', () => {
    ended.add('a', 'ada');
    now = MINUTE - 1;
    expect(ended.has('a')).toBe(true);
    now = MINUTE;
    expect(ended.has('a')).toBe(false);
    expect(ended.size).toBe(0);
  });

  test('are eighty of one owner at most, the newest', () => {
    for (let i = 0; i < 1_000; i += 1) ended.add(`eve ${i}`, 'eve');
    expect(ended.size).toBe(80);
    expect(ended.has('eve 919')).toBe(false);
    expect(ended.has('eve 920')).toBe(true);
  });

  test('of one owner push out no others', () => {
    ended.add('a', 'ada');
    for (let i = 0; i < 10_000; i += 1) ended.add(`eve ${i}`, 'eve');
    expect(ended.has('a')).toBe(true);
  });

  test('are 8,192 of all owners at most', () => {
    for (let i = 0; i < 20_000; i += 1) ended.add(`${i}`, `owner ${i % 1_000}`);
    expect(ended.size).toBe(8_192);
    expect(ended.has('19999')).toBe(true);
    expect(ended.has(`${20_000 - 8_193}`)).toBe(false);
  });

  test('make room in time for the next ones of the same owner', () => {
    for (let i = 0; i < 80; i += 1) ended.add(`old ${i}`, 'ada');
    now = MINUTE;
    ended.add('new', 'ada');
    expect(ended.size).toBe(1);
  });
});
