import { describe } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { describeStore } from 'wsproxy-test-support/store/store-contract';
import { MemoryStore } from '../../src/store/memory-store.js';
import { LEASE } from '../../src/store/store.js';

describe('the store in memory', () => {
  describeStore(async () => {
    const clock = new FakeClock();
    const store = new MemoryStore(clock);
    const others = new Map<string, ReturnType<typeof store.enter>>();
    return {
      runs: 300,
      enter: (uid) => {
        const end = store.enter(uid);
        others.set(uid, end);
        return end;
      },
      leaseEnds: async (uid) => {
        // In two steps, between which the others tell that they are there.
        clock.advance(LEASE / 2);
        for (const [other, end] of others)
          if (other !== uid) await end.add({ kind: 'process', node: 'n2', address: 'n1.example:8443' });
        clock.advance(LEASE / 2);
      },
    };
  });
});
