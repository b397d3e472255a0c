import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Holding, Store, Want } from '../../../packages/server/src/store/store.js';
import { until } from '../until.js';

/** What one implementation of the store lets a test do. */
export interface StoreInTest {
  /** The store as one more process sees it. */
  enter(uid: string): Store;
  /** The process is dead for so long that the store forgets it. */
  leaseEnds(uid: string): Promise<void>;
  /** How often what goes by seeds is done. */
  readonly runs: number;
}

const NODE = { kind: 'process', node: 'n1', address: 'n1.example:8443' } as const;

/** Takes `count` places of one limit, or as many as there are, and says how many the process holds. */
async function take(store: Store, key: string, need: number, limit: number, wish: number = need): Promise<number> {
  const [held = -1] = await store.take([{ key, need, wish, limit }]);
  return held;
}

/** What every store does. `begin` makes an empty one. */
export function describeStore(begin: () => Promise<StoreInTest>): void {
  /** Two processes that it knows. */
  const beginWithTwo = async () => {
    const store = await begin();
    const [a, b] = [store.enter('a'), store.enter('b')];
    await a.add(NODE);
    await b.add({ ...NODE, node: 'n2' });
    return { store, a, b };
  };

  test('never gives two processes more places than the limit', async () => {
    const { a, b } = await beginWithTwo();
    expect(await take(a, 'channels', 6, 10)).toBe(6);
    expect(await take(b, 'channels', 6, 10)).toBe(4);
    expect(await take(a, 'channels', 7, 10)).toBe(6);
  });

  test('counts each limit, and each user, by itself', async () => {
    const { a, b } = await beginWithTwo();
    const wants = ['channels', 'channels/alice', 'channels/bob'].map((key) => ({ key, need: 3, wish: 3, limit: 4 }));
    expect(await a.take(wants)).toEqual([3, 3, 3]);
    expect(await b.take(wants)).toEqual([1, 1, 1]);
  });

  test('gives more than is needed only while a quarter of the limit is free afterwards', async () => {
    const { a, b } = await beginWithTwo();
    expect(await take(a, 'channels', 1, 100, 50)).toBe(50);
    expect(await take(b, 'channels', 1, 100, 25)).toBe(25);
    expect(await take(b, 'channels', 26, 100, 50)).toBe(26);
  });

  test('does what is asked for twice once', async () => {
    const { a, b } = await beginWithTwo();
    await take(a, 'channels', 5, 10);
    await take(a, 'channels', 5, 10);
    await a.give([{ key: 'channels', held: 4 }]);
    await a.give([{ key: 'channels', held: 4 }]);
    expect(await take(b, 'channels', 10, 10)).toBe(6);
  });

  test('frees what is given back', async () => {
    const { a, b } = await beginWithTwo();
    await take(a, 'sessions', 4, 4);
    expect(await take(b, 'sessions', 1, 4)).toBe(0);
    await a.give([{ key: 'sessions', held: 0 }]);
    expect(await take(b, 'sessions', 4, 4)).toBe(4);
  });

  test('takes nothing away from a process whose limit has become less', async () => {
    const { a } = await beginWithTwo();
    await take(a, 'sessions', 4, 8);
    expect(await take(a, 'sessions', 5, 2)).toBe(4);
  });

  test('frees the places of a process that is dead', async () => {
    const { store, a, b } = await beginWithTwo();
    await take(a, 'channels', 10, 10);
    await store.leaseEnds('a');
    await b.add(NODE);
    expect(await take(b, 'channels', 10, 10)).toBe(10);
  });

  test('gives nothing to a process whose lease has ended, until it says what it holds', async () => {
    const { store, a, b } = await beginWithTwo();
    await take(a, 'channels', 3, 10);
    await store.leaseEnds('a');
    await b.add(NODE);
    await expect(take(a, 'channels', 4, 10)).rejects.toMatchObject({ code: 'lease' });
    await expect(a.give([{ key: 'channels', held: 2 }])).rejects.toMatchObject({ code: 'lease' });
    expect(await a.add(NODE)).toEqual({ isNew: true });
    expect(await a.add({ ...NODE, holdings: [{ key: 'channels', held: 3 }] })).toEqual({ isNew: false });
    expect(await take(b, 'channels', 10, 10)).toBe(7);
  });

  test('believes a process what it holds, beyond the limit too, and gives nobody more until that is over', async () => {
    const { a, b } = await beginWithTwo();
    await take(b, 'channels', 8, 10);
    await a.add({ ...NODE, holdings: [{ key: 'channels', held: 5 }] });
    expect(await take(b, 'channels', 9, 10)).toBe(8);
    await b.give([{ key: 'channels', held: 2 }]);
    expect(await take(b, 'channels', 9, 10)).toBe(5);
  });

  test('knows after that of no place beside', async () => {
    const { a, b } = await beginWithTwo();
    await take(a, 'channels', 8, 10);
    await take(a, 'sessions', 8, 10);
    await a.add({ ...NODE, holdings: [{ key: 'sessions', held: 1 }] });
    expect(await take(b, 'channels', 10, 10)).toBe(10);
    expect(await take(b, 'sessions', 10, 10)).toBe(9);
  });

  test('tells of every process whose lease runs where its node is', async () => {
    const { store, a } = await beginWithTwo();
    const byUid = async () => [...(await a.read()).processes].sort((one, other) => (one.uid < other.uid ? -1 : 1));
    const first = { uid: 'a', node: 'n1', address: 'n1.example:8443' };
    expect(await byUid()).toEqual([first, { uid: 'b', node: 'n2', address: 'n1.example:8443' }]);
    await store.leaseEnds('b');
    await a.add(NODE);
    expect(await byUid()).toEqual([first]);
  });

  test('tells everybody who looks who was revoked since the last look', async () => {
    const { a, b } = await beginWithTwo();
    await a.add({ kind: 'revocation', user: 'early', token: 't1' });
    const { mark, revocations } = await b.read();
    expect(revocations).toEqual([]);
    await a.add({ kind: 'revocation', user: 'alice', token: 't1' });
    await a.add({ kind: 'revocation', user: 'bob', token: '' });
    await a.add({ kind: 'revocation', user: 'alice', token: 't2' });
    await a.add({ kind: 'revocation', user: 'alice', token: 't1' });
    const seen = await b.read(mark);
    expect(seen.revocations).toEqual([
      { user: 'bob', token: '' },
      { user: 'alice', token: 't2' },
      { user: 'alice', token: 't1' },
    ]);
    expect((await b.read(seen.mark)).revocations).toEqual([]);
    expect((await b.read(mark)).revocations).toHaveLength(3);
  });

  test('tells nobody what they have told, and everybody what others say of the same', async () => {
    const { a, b } = await beginWithTwo();
    const alice = { user: 'alice', token: 't1' };
    const { mark } = await a.read();
    await a.add({ kind: 'revocation', ...alice });
    expect((await a.read(mark)).revocations).toEqual([]);
    await b.add({ kind: 'revocation', ...alice });
    expect((await a.read(mark)).revocations).toEqual([alice]);
  });

  test('calls those who watch when somebody is revoked', async () => {
    const { a, b } = await beginWithTwo();
    const { mark } = await b.read();
    let isTold = false;
    b.watch(() => {
      isTold = true;
    });
    // Whoever begins to watch is told of nothing that happens meanwhile.
    await until('b is told', async () => {
      await a.add({ kind: 'revocation', user: 'alice', token: 't1' });
      return isTold;
    });
    expect((await b.read(mark)).revocations).toEqual([{ user: 'alice', token: 't1' }]);
  });

  test('counts the bytes of a month over all processes, once however often they are told', async () => {
    const { a, b } = await beginWithTwo();
    const far = 2 ** 52;
    expect(await a.spend('2026-11', [{ user: 'alice', bytes: 5 }])).toEqual([5]);
    expect(await b.spend('2026-11', [{ user: 'alice', bytes: far }])).toEqual([far + 5]);
    expect(await a.spend('2026-11', [{ user: 'alice', bytes: 5 }])).toEqual([far + 5]);
    const sums = [
      { user: 'bob', bytes: 0 },
      { user: 'alice', bytes: 7 },
    ];
    expect(await a.spend('2026-11', sums)).toEqual([0, far + 7]);
    expect(await b.spend('2026-12', [{ user: 'alice', bytes: 1 }])).toEqual([1]);
  });

  test('keeps what a process has carried when that is dead', async () => {
    const { store, a, b } = await beginWithTwo();
    await a.spend('2026-11', [{ user: 'alice', bytes: 5 }]);
    await store.leaseEnds('a');
    expect(await b.spend('2026-11', [{ user: 'alice', bytes: 1 }])).toEqual([6]);
  });

  test('frees what a process held that ends in order', async () => {
    const { a, b } = await beginWithTwo();
    await take(b, 'channels', 10, 10);
    await a.add(NODE);
    await b.close();
    expect(await take(a, 'channels', 10, 10)).toBe(10);
  });

  test('keeps to the limit whatever processes do, by seeds', async () => {
    const uids = ['a', 'b', 'c'] as const;
    const step = fc.record({
      uid: fc.constantFrom(...uids),
      what: fc.constantFrom('take', 'take', 'take', 'give', 'add', 'twice', 'dies'),
      key: fc.constantFrom('x', 'y'),
      count: fc.nat({ max: 14 }),
      more: fc.nat({ max: 6 }),
    });
    const limit = 12;
    const { runs } = await begin();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = await begin();
        const ends = new Map(uids.map((uid) => [uid, { store: store.enter(uid), held: { x: 0, y: 0 } }]));
        for (const end of ends.values()) await end.store.add(NODE);
        for (const { uid, what, key, count, more } of steps) {
          const end = ends.get(uid) as { store: Store; held: { x: number; y: number } };
          const holdings = (): Holding[] => [
            { key: 'x', held: end.held.x },
            { key: 'y', held: end.held.y },
          ];
          if (what === 'take' || what === 'twice') {
            const want: Want = { key, need: count, wish: count + more, limit };
            if (what === 'twice') await end.store.take([want]);
            const [held = -1] = await end.store.take([want]);
            expect(held).toBeGreaterThanOrEqual(end.held[key]);
            end.held[key] = held;
          } else if (what === 'give') {
            end.held[key] = Math.min(end.held[key], count);
            await end.store.give([{ key, held: end.held[key] }]);
          } else if (what === 'add') await end.store.add({ ...NODE, holdings: holdings() });
          else {
            await store.leaseEnds(uid);
            end.held = { x: 0, y: 0 };
            for (const each of ends.values()) await each.store.add(NODE);
          }
          for (const each of ['x', 'y'] as const) {
            const sum = [...ends.values()].reduce((total, { held }) => total + held[each], 0);
            expect(sum).toBeLessThanOrEqual(limit);
          }
        }
      }),
      { numRuns: runs },
    );
  });
}
