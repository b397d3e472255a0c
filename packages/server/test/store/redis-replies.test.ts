import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCounts, readFacts, readTexts, readYes } from '../../src/store/redis-replies.js';
import { StoreError } from '../../src/store/store.js';

const MARK = '1764277674000001';

describe('what the scripts of the store answer', () => {
  test('is yes or no', () => {
    expect([readYes(1), readYes(0)]).toEqual([true, false]);
  });

  test('are numbers, as such or as text', () => {
    expect(readCounts([0, '7', MARK], 3)).toEqual([0, 7, 1_764_277_674_000_001]);
  });

  test('are processes, and what others have told', () => {
    const processes = [['0123456789ab', 'ams-1', '']];
    const revocations = ['tag:alice:fedcba987654', 'tag:bob:0123456789ab', ':carol:fedcba987654'];
    expect(readFacts([processes, revocations, MARK, '3'], '0123456789ab')).toEqual({
      processes: [{ uid: '0123456789ab', node: 'ams-1', address: '' }],
      revocations: [
        { token: 'tag', user: 'alice' },
        { token: '', user: 'carol' },
      ],
      mark: Number(MARK),
      lost: 3,
    });
  });

  test('are lists of texts', () => {
    expect(readTexts([['0123456789ab'], []], 2)).toEqual([['0123456789ab'], []]);
  });

  test.each<[what: string, read: () => unknown]>([
    ['neither yes nor no', () => readYes(7)],
    ['nothing', () => readCounts(null, 1)],
    ['too few numbers', () => readCounts([1], 2)],
    ['no number', () => readCounts([null], 1)],
    ['less than nothing', () => readCounts([-9_223_372_036_854_775_808n], 1)],
    ['what is no count', () => readCounts(['nan'], 1)],
    ['an empty list of facts', () => readFacts([], 'a')],
    ['a mark without end', () => readFacts([[], [], 'inf', '0'], 'a')],
    ['facts without what was lost', () => readFacts([[], [], '0'], 'a')],
    ['a process without an address', () => readFacts([[['a', 'n', null]], [], '0', '0'], 'a')],
    ['a process that is a text', () => readFacts([['abc'], [], '0', '0'], 'a')],
    ['a revocation that is none', () => readFacts([[], [7], '0', '0'], 'a')],
    ['too few lists', () => readTexts([[]], 2)],
    ['a list that is a text', () => readTexts(['a'], 1)],
    ['a number for a text', () => readTexts([[1]], 1)],
  ])('is as no answer: %s', (_, read) => {
    expect(read).toThrow(expect.objectContaining({ code: 'away' }));
  });

  test('is read, or no answer, no matter what it is', () => {
    const reads = [
      readYes,
      (reply: unknown) => readCounts(reply, 1),
      (reply: unknown) => readTexts(reply, 1),
      (reply: unknown) => readFacts(reply, 'a'),
    ];
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...reads), (reply, read) => {
        try {
          read(reply);
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError);
        }
      }),
    );
  });
});
