import { expect, test } from 'vitest';
import { LIMITS } from '../../src/limits/limits.js';
import { shareLimits } from '../../src/workers/share-limits.js';

test('each of several workers has its share of what is meant for the whole server, and all of what is meant for one user', () => {
  const shared = shareLimits({ sessions: 10, sessionsPerUser: 10 }, LIMITS, 4);
  expect(shared).toMatchObject({ sessions: 3, sessionsPerUser: 10, memory: LIMITS.memory.default / 4 });
});

test('no share is less than a limit can be, and what the system gives to each process stays so', () => {
  expect(shareLimits({ sessions: 1, memory: 65_536 }, LIMITS, 8)).toMatchObject({
    sessions: 1,
    memory: 65_536,
    sockets: 0,
  });
});
