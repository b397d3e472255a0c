import { expect, test } from 'vitest';
import { putNewest } from '../../src/limits/put-newest.js';

const keysAfter = (keys: string, most: number): string => {
  const map = new Map<string, number>();
  for (const [index, key] of [...keys].entries()) putNewest(map, key, index, most);
  return [...map.keys()].join('');
};

test.each([
  ['keeps what there is room for, in its order', 'abc', 'abc'],
  ['forgets the oldest of more', 'abcd', 'bcd'],
  ['takes what is put again for the newest', 'abca', 'bca'],
  ['forgets nothing for what is put again', 'abcba', 'cba'],
])('%s', (_title, keys, kept) => {
  expect(keysAfter(keys, 3)).toBe(kept);
});

test('keeps the value that was put last', () => {
  const map = new Map([['a', 1]]);
  putNewest(map, 'a', 2, 3);
  expect(map.get('a')).toBe(2);
});
