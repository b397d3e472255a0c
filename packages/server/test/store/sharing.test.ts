import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { MemoryStore } from '../../src/store/memory-store.js';
import { Sharing } from '../../src/store/sharing.js';
import { type Revoked, type Store, StoreError } from '../../src/store/store.js';
import { behindCalls } from './behind-calls.js';

function newSharing(clock: FakeClock, store: Store, address = 'a:1') {
  const lines: string[] = [];
  const revoked: Revoked[] = [];
  const log = (_fields: object, message: string) => void lines.push(message);
  const sharing = new Sharing({
    ...{ store, clock, away: 'admit', self: { node: 'a', address } },
    logger: { debug: log, info: log, warn: log, error: log },
    onRevoked: (each) => revoked.push(each),
  });
  return { sharing, lines, revoked };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    clock.advance(500);
    await new Promise(setImmediate);
  }
}

/** Calls of it fail as long as `isAway`. */
function failing(store: Store): { store: Store; isAway: boolean } {
  const failed = { store, isAway: false };
  const guarded = async <T>(run: () => Promise<T>): Promise<T> => {
    if (failed.isAway) throw new StoreError('away', 'no connection to the store');
    return run();
  };
  failed.store = behindCalls(store, guarded);
  return failed;
}

describe('what a process shares', () => {
  test('is told to others at once, and what they tell is heard once; its own is not told to itself', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const [a, b] = [newSharing(clock, memory.enter('a')), newSharing(clock, memory.enter('b'))];
    await Promise.all([a.sharing.begin(), b.sharing.begin()]);
    await a.sharing.revoke([{ user: 'alice', token: 't' }]);
    await pass(clock, 5_000);
    expect([a.revoked, b.revoked]).toEqual([[], [{ user: 'alice', token: 't' }]]);
  });

  test('is told when the store is there again, unless it is nothing any more', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const store = failing(memory.enter('a'));
    const [a, b] = [newSharing(clock, store.store), newSharing(clock, memory.enter('b'))];
    await Promise.all([a.sharing.begin(), b.sharing.begin()]);
    store.isAway = true;
    await a.sharing.revoke([
      { user: 'alice', token: 't' },
      { user: 'bob', token: 'u' },
    ]);
    a.sharing.forgive(({ user }) => user === 'bob');
    await pass(clock, 5_000);
    expect(b.revoked).toEqual([]);
    store.isAway = false;
    await pass(clock, 5_000);
    expect(b.revoked).toEqual([{ user: 'alice', token: 't' }]);
  });

  test('has one line of the log for a store that is away, and one a minute for one that comes and goes', async () => {
    const clock = new FakeClock();
    const store = failing(new MemoryStore(clock).enter('a'));
    const { sharing, lines } = newSharing(clock, store.store);
    await sharing.begin();
    for (let i = 0; i < 5; i++) {
      store.isAway = true;
      await pass(clock, 5_000);
      store.isAway = false;
      await pass(clock, 5_000);
    }
    expect(lines).toEqual([
      'the store is away: sessions go on, and this process lets in its part of each limit',
      'the store is there again',
    ]);
  });

  test('is told of when another node has the same name, and not for another process of the same node', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const [a, same] = [newSharing(clock, memory.enter('a')), newSharing(clock, memory.enter('b'))];
    await Promise.all([a.sharing.begin(), same.sharing.begin()]);
    await pass(clock, 3_000);
    expect(a.lines).toEqual([]);
    await newSharing(clock, memory.enter('c'), 'elsewhere:1').sharing.begin();
    await pass(clock, 3_000);
    expect(a.lines).toEqual(['another server has the same node name: give each its own with --node']);
    expect(a.sharing.addressOf('a')).toBe('a:1');
  });
});
