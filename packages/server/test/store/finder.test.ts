import { expect, test } from 'vitest';
import { Finder } from '../../src/store/finder.js';
import { type KnownProcess, StoreError } from '../../src/store/store.js';

const process = (uid: string): KnownProcess => ({ uid, node: 'n', address: '' });

/** A store in which each of `held` is held by the process of that name, and which `there` are. */
function start(held: readonly string[], there: readonly string[] = held) {
  const asked: (readonly string[])[] = [];
  let reads = 0;
  const finder = new Finder({
    find: async (keys) => {
      asked.push(keys);
      return keys.map((key) => held.filter((uid) => uid === key));
    },
    read: async () => {
      reads += 1;
      return { processes: there.map(process), revocations: [], mark: 0, lost: 0 };
    },
  });
  return { finder, asked, reads: () => reads };
}

test('what is asked together is asked of the store at once', async () => {
  const { finder, asked } = start(['a', 'b']);
  finder.update([process('a'), process('b')]);
  const found = await Promise.all([finder.find('a'), finder.find('b'), finder.find('c')]);
  expect([found, asked]).toEqual([[[process('a')], [process('b')], []], [['a', 'b', 'c']]]);
});

test('more than 500 keys are asked one part after the other', async () => {
  const { finder, asked } = start([]);
  await Promise.all(Array.from({ length: 1_200 }, (_, i) => finder.find(`key ${i}`)));
  expect(asked.map(({ length }) => length)).toEqual([500, 500, 200]);
});

test('who has just begun is looked up', async () => {
  const { finder, reads } = start(['a']);
  expect(await finder.find('a')).toEqual([process('a')]);
  expect(await finder.find('a')).toEqual([process('a')]);
  expect(reads()).toBe(1);
});

test('who is gone meanwhile is not found', async () => {
  expect(await start(['a'], []).finder.find('a')).toEqual([]);
});

test('anyone who asks is told that the store is away, and the next one is answered', async () => {
  let isAway = true;
  const finder = new Finder({
    find: async (keys) => {
      if (isAway) throw new StoreError('away', 'it is away');
      return keys.map(() => []);
    },
    read: async () => ({ processes: [], revocations: [], mark: 0, lost: 0 }),
  });
  await expect(finder.find('a')).rejects.toMatchObject({ code: 'away' });
  isAway = false;
  expect(await finder.find('a')).toEqual([]);
});
