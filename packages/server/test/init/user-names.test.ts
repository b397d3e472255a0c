import { describe, expect, test } from 'vitest';
import { parseUserName, parseUserNames } from '../../src/init/user-names.js';

describe('the users of a new server', () => {
  test.each([
    ['nothing', '', []],
    ['none', 'none', []],
    ['None, with blanks', ' None ', []],
    ['one name', 'alice', ['alice']],
    ['names with commas and blanks', 'alice, bob carol', ['alice', 'bob', 'carol']],
    ['a name twice', 'alice,alice', ['alice']],
    ['a name that begins like none', 'nonesuch', ['nonesuch']],
  ])('are read from %s', (_what, text, names) => {
    expect(parseUserNames(text)).toEqual(names);
  });

  test('are not read from none beside a name, or from what cannot be a name', () => {
    expect(() => parseUserNames('alice, none')).toThrow('Expected names of users, or none alone.');
    expect(() => parseUserNames('a/b')).toThrow('Expected names of 1 to 64 letters, digits or any of . _ @ + -.');
  });

  test('are named one by one by a flag, and none is no name', () => {
    expect(parseUserName('alice')).toBe('alice');
    const none = 'none is not the name of a user; for one token for everybody leave --user out';
    for (const text of ['none', 'NONE']) expect(() => parseUserName(text)).toThrow(none);
    expect(() => parseUserName('a/b')).toThrow('Expected 1 to 64 letters, digits or any of . _ @ + -.');
  });
});
