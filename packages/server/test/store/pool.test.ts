import { describe, expect, test } from 'vitest';
import { Pool } from '../../src/store/pool.js';

/** A pool whose keeper answers as it is told to. */
function newPool({ isBatched = true, processes = 2 } = {}) {
  const keeper = {
    time: 0,
    isReached: true,
    processes,
    calls: 0,
    now: () => keeper.time,
    hold: () => {},
    allowanceOf: ({ held, limit }: Pool) => (keeper.isReached ? held : Math.max(held, Math.floor(limit / processes))),
    call: () => {
      keeper.calls += 1;
    },
  };
  const pool = new Pool('channels', isBatched, keeper);
  /** The store answers what is asked for. */
  const answer = (held: (need: number, wish: number) => number): void => {
    const { want, waiting } = pool;
    if (want !== undefined) pool.onTaken(held(want.need, want.wish), want, waiting);
  };
  return { pool, keeper, answer };
}

const all = (_need: number, wish: number): number => wish;
const none = (): number => 0;

const answersTo = (asked: readonly (boolean | Promise<boolean>)[]) =>
  Promise.all(asked.map((each) => Promise.resolve(each)));

describe('places of one limit', () => {
  test('are asked for by a batch of a quarter of the part of a process, and then found in advance', async () => {
    const { pool, answer } = newPool();
    const first = pool.take(80);
    expect(pool.want).toEqual({ key: 'channels', need: 1, wish: 10, limit: 80 });
    answer(all);
    expect(await first).toBe(true);
    expect([1, 2, 3, 4, 5].map(() => pool.take(80))).toEqual([true, true, true, true, true]);
    expect(pool.want).toEqual({ key: 'channels', need: 10, wish: 16, limit: 80 });
  });

  test('are asked for before the last one is taken, so that nobody waits', async () => {
    const { pool, keeper, answer } = newPool();
    void pool.take(80);
    answer(all);
    const { calls } = keeper;
    for (let i = 0; i < 5; i++) expect(pool.take(80)).toBe(true);
    expect(keeper.calls).toBe(calls + 1);
    answer(all);
    for (let i = 0; i < 10; i++) expect(pool.take(80)).toBe(true);
  });

  test('of small limits are asked for one by one', async () => {
    const { pool, answer } = newPool();
    const taken = pool.take(7);
    expect(pool.want).toEqual({ key: 'channels', need: 1, wish: 1, limit: 7 });
    answer(all);
    expect([await taken, pool.want]).toEqual([true, undefined]);
  });

  test('are given to those who have waited for longest, and the others are turned away', async () => {
    const { pool, answer } = newPool();
    const asked = [1, 2, 3].map(() => pool.take(80));
    answer(() => 2);
    expect(await answersTo(asked)).toEqual([true, true, false]);
  });

  test('keep those waiting who came after the store was asked', async () => {
    const { pool } = newPool();
    const early = pool.take(80);
    const { want, waiting } = pool;
    const late = pool.take(80);
    if (want !== undefined) pool.onTaken(0, want, waiting);
    expect(await early).toBe(false);
    expect(pool.want).toMatchObject({ need: 1 });
    const again = { want: pool.want, waiting: pool.waiting };
    if (again.want !== undefined) pool.onTaken(1, again.want, again.waiting);
    expect(await late).toBe(true);
  });

  test('are not asked for again at once where there are none, nor in advance where there are few', async () => {
    const { pool, keeper, answer } = newPool();
    const taken = pool.take(80);
    answer(() => 1);
    expect([await taken, pool.want]).toEqual([true, undefined]);
    const more = pool.take(80);
    answer(() => 1);
    expect([await more, pool.take(80)]).toEqual([false, false]);
    keeper.time = 200;
    expect(pool.take(80)).toBeInstanceOf(Promise);
  });

  test('that somebody gives back are for those who wait', async () => {
    const { pool, answer } = newPool();
    const first = pool.take(80);
    answer(() => 1);
    await first;
    const second = pool.take(80);
    pool.give();
    expect([await second, pool.used]).toEqual([true, 1]);
  });

  test('are kept for two batches, and given back beyond', async () => {
    const { pool, answer } = newPool();
    const taken = Array.from({ length: 31 }, () => pool.take(80));
    answer(all);
    await answersTo(taken);
    for (let i = 0; i < 11; i++) pool.give();
    expect([pool.held, pool.used, pool.trim()]).toEqual([40, 20, false]);
    pool.give();
    expect([pool.trim(), pool.held, pool.used]).toEqual([true, 29, 19]);
  });

  test('are given back when nobody has wanted one for 10 s', async () => {
    const { pool, keeper, answer } = newPool();
    const taken = pool.take(80);
    answer(all);
    await taken;
    keeper.time = 9_999;
    expect(pool.trim()).toBe(false);
    keeper.time = 10_000;
    expect([pool.trim(), pool.held]).toEqual([true, 1]);
  });

  test('that are taken one by one are given back at once', async () => {
    const { pool, answer } = newPool({ isBatched: false });
    const taken = pool.take(80);
    expect(pool.want).toMatchObject({ need: 1, wish: 1 });
    answer(all);
    await taken;
    pool.give();
    expect([pool.trim(), pool.held, pool.isEmpty]).toEqual([true, 0, true]);
  });

  test('are the part of the process while the store is away, and those who wait have that too', async () => {
    const { pool, keeper, answer } = newPool();
    const asked = [1, 2, 3].map(() => pool.take(4));
    keeper.isReached = false;
    pool.onAway();
    expect(await answersTo(asked)).toEqual([true, true, false]);
    expect(pool.take(4)).toBe(false);
    answer(none);
    pool.give();
    expect(pool.take(4)).toBe(true);
  });
});
