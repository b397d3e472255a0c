import { expect, test } from 'vitest';
import { LIMITS } from '../../src/limits/limits.js';
import { shareLimits } from '../../src/workers/share-limits.js';

test('each of several workers has its share of what the server has, and all of what they count together', () => {
  const shared = shareLimits({ lookups: 10, sessions: 10 }, LIMITS, 4);
  expect(shared).toMatchObject({ lookups: 3, sessions: 10, memory: LIMITS.memory.default / 4 });
});

test('no share is less than a limit can be, and what the system gives to each process stays so', () => {
  expect(shareLimits({ lookups: 1, memory: 65_536 }, LIMITS, 8)).toMatchObject({
    lookups: 1,
    memory: 65_536,
    sockets: 0,
  });
});
