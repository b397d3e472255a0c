import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Account } from '../../src/limits/account.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { Spending } from '../../src/store/spending.js';
import { type Store, StoreError } from '../../src/store/store.js';

const MIB = 1_048_576;
const told = () => new Promise(setImmediate);

function newProcess(clock: FakeClock, store: Pick<Store, 'spend'>, monthlyBytes = 100 * MIB) {
  const spending = new Spending({ store, clock });
  const account = new Account('alice', clock, spending);
  account.monthlyBytes = monthlyBytes;
  return { spending, account, bytes: () => account.bytesThisMonth(clock.wallTime()) };
}

describe('bytes of the month', () => {
  test('are told each second, and those of others are known by the answer', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const [a, b] = [newProcess(clock, memory.enter('a')), newProcess(clock, memory.enter('b'))];
    a.account.carried(100);
    b.account.carried(20);
    expect([a.bytes(), b.bytes()]).toEqual([100, 20]);
    clock.advance(1_000);
    await told();
    b.account.carried(1);
    clock.advance(1_000);
    await told();
    expect([a.bytes(), b.bytes()]).toEqual([100, 121]);
  });

  test('are told at once when they are a mebibyte, and nobody who carries waits', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const a = newProcess(clock, memory.enter('a'));
    for (let i = 0; i < 4; i++) a.account.carried(MIB / 4);
    await told();
    expect(memory.bytesThisMonth.get('alice')).toBe(MIB);
  });

  test('are told the sooner the less is left', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const a = newProcess(clock, memory.enter('a'), 4_096 * MIB);
    a.account.carried(3 * MIB);
    await told();
    expect(memory.bytesThisMonth.get('alice')).toBeUndefined();
    a.account.carried(2_096 * MIB);
    await told();
    expect(memory.bytesThisMonth.get('alice')).toBe(2_099 * MIB);
    a.account.carried(2 * MIB);
    await told();
    expect(memory.bytesThisMonth.get('alice')).toBe(2_101 * MIB);
  });

  test('without a bound are told each second, however many they are', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const memory = new MemoryStore(clock);
    const store = memory.enter('a');
    const a = newProcess(
      clock,
      {
        spend: (...args) => {
          calls += 1;
          return store.spend(...args);
        },
      },
      Number.POSITIVE_INFINITY,
    );
    for (let i = 0; i < 1_000; i++) {
      a.account.carried(10 * MIB);
      await told();
    }
    expect(calls).toBe(0);
    clock.advance(1_000);
    await told();
    expect([calls, memory.bytesThisMonth.get('alice')]).toEqual([1, 10_000 * MIB]);
  });

  test('that the store was not told are told later, and once', async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const store = memory.enter('a');
    let isAway = true;
    const a = newProcess(clock, {
      spend: async (...args) => {
        const totals = await store.spend(...args);
        if (isAway) throw new StoreError('away', 'the answer was lost');
        return totals;
      },
    });
    a.account.carried(100);
    clock.advance(1_000);
    await told();
    isAway = false;
    a.account.carried(10);
    clock.advance(1_000);
    await told();
    expect([a.bytes(), memory.bytesThisMonth.get('alice'), clock.pending]).toEqual([110, 110, 0]);
  });

  test('begin again with each month, those of others too', async () => {
    const clock = new FakeClock();
    clock.wallOffset = Date.UTC(2026, 10, 30, 23, 59, 50);
    const memory = new MemoryStore(clock);
    const [a, b] = [newProcess(clock, memory.enter('a')), newProcess(clock, memory.enter('b'))];
    a.account.carried(MIB);
    await told();
    b.account.carried(MIB);
    await told();
    expect(b.bytes()).toBe(2 * MIB);
    clock.advance(11_000);
    expect(b.bytes()).toBe(0);
    b.account.carried(5);
    clock.advance(1_000);
    await told();
    expect([b.bytes(), memory.bytesThisMonth.get('alice')]).toEqual([5, 5]);
  });
});
