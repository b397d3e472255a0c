import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPasswordCheck, parseBasic } from '../../src/accept/credentials.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('credentials', () => {
  const allows = createPasswordCheck([
    { name: 'ann', sha256: sha256('one') },
    { name: 'bob', sha256: sha256('two').toUpperCase() },
  ]);

  it.each([
    ['ann', 'one', true],
    ['bob', 'two', true],
    ['ann', 'two', false],
    ['Ann', 'one', false],
    ['', '', false],
    ['eve', 'one', false],
  ])('of %s with %s: %s', (name, password, expected) => {
    expect(allows(name, password)).toBe(expected);
  });
});

describe('parseBasic', () => {
  it('splits at the first colon and reads UTF-8', () => {
    expect(parseBasic(`basic ${Buffer.from('ann:pä:ss').toString('base64')}`)).toEqual(['ann', 'pä:ss']);
  });

  it.each([undefined, '', 'Bearer YTpi', 'Basic', 'Basic !', `Basic ${Buffer.from('ann').toString('base64')}`])(
    'takes nothing from %j',
    (field) => {
      expect(parseBasic(field)).toBeUndefined();
    },
  );
});
