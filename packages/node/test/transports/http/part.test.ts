import { describe, expect, test } from 'vitest';
import { formatPart, newTransportId, type Part, parsePart } from '../../../src/transports/http/part.js';

const id = 'A'.repeat(22);

describe('the header of a request', () => {
  test.each<[Part, string]>([
    [{ id, what: 'open', n: 0 }, `${id};open`],
    [{ id, what: 'open-poll', n: 0 }, `${id};open-poll`],
    [{ id, what: 'stream', n: 0 }, `${id};stream`],
    [{ id, what: 'piece', n: 1 }, `${id};piece=1`],
    [{ id, what: 'poll', n: 9_007_199_254_740_991 }, `${id};poll=9007199254740991`],
  ])('%j is %s, and is read again', (part, text) => {
    expect(formatPart(part)).toBe(text);
    expect(parsePart(text)).toEqual(part);
  });

  test.each([
    `${id};piece=0`,
    `${id};piece=01`,
    `${id};piece=-1`,
    `${id};piece=1.5`,
    `${id};piece=9007199254740992`,
    `${id};piece`,
    `${id};poll`,
    `${id};open=1`,
    `${id};stream=1`,
    `${id};close`,
    `${id}; open`,
    `${id};open, ${id};open`,
    `${id.slice(1)};open`,
    `A${id};open`,
    `${id.slice(1)}+;open`,
    '',
  ])('%j is none', (text) => {
    expect(parsePart(text)).toBeUndefined();
  });

  test('a new name is one that nobody can guess', () => {
    expect(parsePart(`${newTransportId()};open`)).toBeDefined();
    expect(newTransportId()).not.toBe(newTransportId());
  });
});
