import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import type { Exclusive } from '../../src/store/exclusive.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { Sharing } from '../../src/store/sharing.js';
import { LEASE, type Store, StoreError } from '../../src/store/store.js';
import { behindCalls, passInSteps } from './behind-calls.js';

const KEY = '@listener/alice/web';

const pass = (clock: FakeClock, ms = 0) => passInSteps(clock, 500, ms);

type Fault = 'none' | 'lost' | 'unheard' | 'no news';

/** The store behind a way on which calls, answers or news get lost. */
function behindFaults(store: Store, fault: () => Fault): Store {
  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    if (fault() === 'lost') throw new StoreError('away', 'no answer');
    const answer = await run();
    if (fault() === 'unheard') throw new StoreError('away', 'no answer');
    return answer;
  };
  return {
    ...behindCalls(store, call),
    watch: (onNews) =>
      store.watch((keys) => {
        if (fault() === 'none') onNews(keys);
      }),
  };
}

function newWorld() {
  const clock = new FakeClock();
  const memory = new MemoryStore(clock);
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const begin = async (uid: string) => {
    const process = { uid, fault: 'none' as Fault, events: [] as string[] };
    const store = behindFaults(memory.enter(uid), () => process.fault);
    const sharing = new Sharing({
      ...{ store, clock, away: 'admit', self: { node: 'n', address: '' }, logger },
      onRevoked: () => {},
    });
    await sharing.begin();
    const want = (key = KEY): Exclusive =>
      sharing.exclusives.want(key, {
        onHad: () => process.events.push('had'),
        onLost: () => process.events.push('lost'),
      });
    return Object.assign(process, { sharing, want });
  };
  const holders = () => memory.find([KEY]).flat();
  return { clock, memory, begin, holders };
}

describe('what one process has at a time', () => {
  test('is that of the one who takes it first, until it is given back', async () => {
    const { clock, begin } = newWorld();
    const [a, b] = [(await begin('a')).want(), (await begin('b')).want()];
    expect([await a.take(false), await b.take(false), a.isHad, b.isHad]).toEqual([true, false, true, false]);
    a.give();
    await pass(clock);
    expect(await b.take(false)).toBe(true);
  });

  test('goes to a process that takes it over, and the one who had it is told at once', async () => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    expect(await b.take(true)).toBe(true);
    await pass(clock);
    expect([one.events, other.events, a.isHad, holders()]).toEqual([['lost'], [], false, ['b']]);
  });

  test('is known to be lost by the next look, where no news comes', async () => {
    const { clock, begin } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    one.fault = 'no news';
    await b.take(true);
    await pass(clock);
    expect([one.events, a.isHad]).toEqual([[], true]);
    await pass(clock, 2_500);
    expect([one.events, a.isHad]).toEqual([['lost'], false]);
  });

  test.each<[what: string, fault: Fault, time: number]>([
    ['at once', 'none', 0],
    ['by the next look, where no news comes,', 'no news', 2_500],
  ])('goes %s to a process that stands by', async (_, fault, time) => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    await b.take(false);
    b.wait();
    await pass(clock, 10_000);
    expect([other.events, b.isHad]).toEqual([[], false]);
    other.fault = fault;
    a.give();
    await pass(clock, time);
    expect([other.events, b.isHad, holders()]).toEqual([['had'], true, ['b']]);
  });

  test('goes to a process that stands by when the other is dead', async () => {
    const { clock, begin } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    await one.want().take(false);
    const b = other.want();
    await b.take(false);
    b.wait();
    one.fault = 'lost';
    await pass(clock, LEASE + 3_000);
    expect(other.events).toEqual(['had']);
  });

  test('is known to be awaited while another process stands by', async () => {
    const { clock, begin } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    expect(await a.isAwaited()).toBe(false);
    await b.take(false);
    b.wait();
    await pass(clock);
    expect(await a.isAwaited()).toBe(true);
    b.give();
    await pass(clock);
    expect(await a.isAwaited()).toBe(false);
    one.fault = 'lost';
    expect(await a.isAwaited()).toBe(false);
  });

  test('is not known to be awaited by one that stands by out of line, until it stands in line', async () => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    await b.take(false);
    const isAwaited = async (isInLine: boolean): Promise<boolean> => {
      b.wait(isInLine);
      await pass(clock, 1_000);
      return a.isAwaited();
    };
    expect([await isAwaited(false), await isAwaited(true), await isAwaited(false)]).toEqual([false, true, false]);
    a.give();
    await pass(clock, 3_000);
    expect([other.events, holders()]).toEqual([['had'], ['b']]);
  });

  test('may be taken over by one that stands by, which stands by no more', async () => {
    const { clock, begin } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    await b.take(false);
    b.wait();
    expect(await b.take(true)).toBe(true);
    await pass(clock);
    expect([one.events, other.events, await b.isAwaited()]).toEqual([['lost'], [], false]);
  });

  test('is had by two processes while neither reaches the store, and by the first of them afterwards', async () => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    [one.fault, other.fault] = ['lost', 'lost'];
    await pass(clock, 3_000);
    expect([await b.take(true), a.isHad, b.isHad]).toEqual([true, true, true]);
    [one.fault, other.fault] = ['none', 'none'];
    await pass(clock, 5_000);
    expect([one.events, other.events, holders()]).toEqual([[], ['lost'], ['a']]);
  });

  test('stays with the one who had it in a store that has forgotten all', async () => {
    const { clock, memory, begin, holders } = newWorld();
    const [other, one] = [await begin('b'), await begin('a')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    await b.take(false);
    b.wait();
    await pass(clock, 3_000);
    // b first: a store that has begun anew tells nobody that something is free.
    for (const uid of ['b', 'a']) memory.forget(uid);
    await pass(clock, 20_000);
    expect([one.events, other.events, holders()]).toEqual([[], [], ['a']]);
  });

  test('is lost to the one who has taken it while a process was away for longer than its lease', async () => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    one.fault = 'lost';
    await pass(clock, LEASE + 2_000);
    expect([await b.take(false), a.isHad]).toEqual([true, true]);
    one.fault = 'none';
    await pass(clock, 3_000);
    expect([one.events, holders()]).toEqual([['lost'], ['b']]);
  });

  test('is given back when the store is there again', async () => {
    const { clock, begin, holders } = newWorld();
    const one = await begin('a');
    const a = one.want();
    await a.take(false);
    one.fault = 'lost';
    a.give();
    await pass(clock, 3_000);
    expect(holders()).toEqual(['a']);
    one.fault = 'none';
    await pass(clock, 3_000);
    expect(holders()).toEqual([]);
  });

  test('stays with a process that gives it back and wants it again before the store is asked', async () => {
    const { clock, begin, holders } = newWorld();
    const [one, other] = [await begin('a'), await begin('b')];
    const [a, b] = [one.want(), other.want()];
    await a.take(false);
    await b.take(false);
    b.wait();
    await pass(clock);
    a.give();
    expect(await one.want().take(false)).toBe(true);
    await pass(clock, 3_000);
    expect([holders(), other.events]).toEqual([['a'], []]);
  });

  test('is that of one at most once all reach the store, and of one that wants it in the end, by seeds', async () => {
    const uids = ['a', 'b', 'c'] as const;
    const step = fc.record({
      uid: fc.constantFrom(...uids),
      what: fc.constantFrom('take', 'over', 'wait', 'give', 'fault', 'fault', 'forget'),
      fault: fc.constantFrom<Fault>('none', 'lost', 'unheard', 'no news'),
      time: fc.constantFrom(0, 0, 500, 3_000, 12_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, memory, begin, holders } = newWorld();
        const processes = new Map<string, Awaited<ReturnType<typeof begin>> & { exclusive?: Exclusive | undefined }>();
        for (const uid of uids) processes.set(uid, await begin(uid));
        const all = [...processes.values()];
        for (const { uid, what, fault, time } of steps) {
          const process = processes.get(uid) as (typeof all)[number];
          const { exclusive } = process;
          if (what === 'fault') process.fault = fault;
          else if (what === 'forget') memory.forget(uid);
          else if (what === 'give') {
            exclusive?.give();
            process.exclusive = undefined;
          } else if (what === 'wait') {
            if (exclusive?.isHad === false) exclusive.wait();
          } else if (exclusive === undefined) {
            process.exclusive = process.want();
            void process.exclusive.take(what === 'over');
          } else if (!exclusive.isHad) void exclusive.take(what === 'over');
          await pass(clock, time);
          // Forgotten processes tell the store first what they had.
          if (time < 3_000 || what === 'forget' || all.some((each) => each.fault !== 'none')) continue;
          expect(all.filter((each) => each.exclusive?.isHad).length).toBeLessThanOrEqual(1);
        }
        for (const process of all) process.fault = 'none';
        // One that had it by what it knew itself may lose it now, and asks again.
        await pass(clock, 20_000);
        for (const { exclusive } of all) if (exclusive?.isHad === false) exclusive.wait();
        await pass(clock, 20_000);
        const wanting = all.filter(({ exclusive }) => exclusive !== undefined);
        const having = all.filter(({ exclusive }) => exclusive?.isHad === true).map(({ uid }) => uid);
        expect(having).toHaveLength(Math.min(1, wanting.length));
        expect(holders()).toEqual(having);
        for (const { sharing } of all) await sharing.close();
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
