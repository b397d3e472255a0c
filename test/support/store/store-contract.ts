import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Holding, type Store, TICKETS_PER_USER, type Want } from '../../../packages/server/src/store/store.js';
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

async function takeOver(store: Store, key: string): Promise<number> {
  const [held = -1] = await store.take([{ key, need: 1, wish: 1, limit: 1, over: true }]);
  return held;
}

/** What `watching` is told of exclusive keys, from a time on at which it certainly is; `other` makes news until then. */
async function watch(watching: Store, other: Store): Promise<string[][]> {
  const news: string[][] = [];
  let isTold = false;
  watching.watch((keys) => {
    isTold = true;
    if (keys.length > 0) news.push([...keys]);
  });
  await until('it is told', async () => {
    await other.add({ kind: 'revocation', user: 'alice', token: 't1' });
    return isTold;
  });
  return news;
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
    // Anyone who begins to watch is told of nothing that happens meanwhile.
    await until('b is told', async () => {
      await a.add({ kind: 'revocation', user: 'alice', token: 't1' });
      return isTold;
    });
    expect((await b.read(mark)).revocations).toEqual([{ user: 'alice', token: 't1' }]);
  });

  test('gives what is exclusive to one process at a time', async () => {
    const { a, b } = await beginWithTwo();
    expect(await take(a, '@x', 1, 1)).toBe(1);
    expect(await take(b, '@x', 1, 1)).toBe(0);
    await a.give([{ key: '@x', held: 0 }]);
    expect(await take(b, '@x', 1, 1)).toBe(1);
    expect(await take(a, '@x', 1, 1)).toBe(0);
  });

  test('takes it from the one who has it for one who takes it over, and counts that as lost', async () => {
    const { a, b } = await beginWithTwo();
    expect(await take(a, '@x', 1, 1)).toBe(1);
    expect(await takeOver(b, '@x')).toBe(1);
    expect([(await a.read()).lost, (await b.read()).lost]).toEqual([1, 0]);
    expect(await take(a, '@x', 1, 1)).toBe(0);
    expect(await takeOver(b, '@x')).toBe(1);
    expect((await a.read()).lost).toBe(1);
    expect(await takeOver(a, '@x')).toBe(1);
    expect(await take(b, '@x', 1, 1)).toBe(0);
    expect(await b.find(['@x'])).toEqual([['a']]);
  });

  test('changes nothing of what is exclusive when a process tells what it holds', async () => {
    const { store, a, b } = await beginWithTwo();
    await take(a, '@x', 1, 1);
    await a.add({ ...NODE, holdings: [{ key: 'channels', held: 1 }] });
    expect(await take(b, '@x', 1, 1)).toBe(0);
    expect(await takeOver(b, '@x')).toBe(1);
    await a.add({ ...NODE, holdings: [] });
    expect(await b.find(['@x'])).toEqual([['b']]);
    await store.leaseEnds('b');
    await a.add(NODE);
    await b.add({ ...NODE, holdings: [] });
    expect([await take(a, '@x', 1, 1), (await b.read()).lost]).toEqual([1, 0]);
  });

  test('finds the processes that hold places of each key', async () => {
    const { store, a, b } = await beginWithTwo();
    await a.take([
      { key: 'sessions/alice', need: 2, wish: 2, limit: 9 },
      { key: '@x', need: 1, wish: 1, limit: 1 },
    ]);
    await take(b, 'sessions/alice', 1, 9);
    const found = async () => (await a.find(['sessions/alice', 'sessions/bob', '@x'])).map((uids) => [...uids].sort());
    expect(await found()).toEqual([['a', 'b'], [], ['a']]);
    await b.give([{ key: 'sessions/alice', held: 0 }]);
    expect(await found()).toEqual([['a'], [], ['a']]);
    await store.leaseEnds('a');
    await b.add(NODE);
    expect(await b.find(['@x'])).toEqual([[]]);
  });

  test.each<[what: string, change: (a: Store, b: Store) => Promise<unknown>]>([
    ['is had by somebody', (_, b) => take(b, '@y', 1, 1)],
    ['is taken over', (a) => takeOver(a, '@x')],
    ['is given back', (_, b) => b.give([{ key: '@x', held: 0 }])],
    ['is that of a process that ends', (_, b) => b.close()],
  ])('tells those who watch what is exclusive and %s', async (_, change) => {
    const { a, b } = await beginWithTwo();
    const news = await watch(a, b);
    await take(b, '@x', 1, 1);
    await until('that is told', () => news.length === 1);
    await change(a, b);
    await until('the change is told', () => news.length === 2);
    expect(news.flat()).toEqual(['@x', (await a.find(['@y'])).flat().length > 0 ? '@y' : '@x']);
  });

  test('tells nobody of what is not exclusive, or has not changed', async () => {
    const { a, b } = await beginWithTwo();
    const news = await watch(a, b);
    await take(b, 'channels', 1, 9);
    await b.give([{ key: 'channels', held: 0 }]);
    await take(b, '@x', 1, 1);
    await take(b, '@x', 1, 1);
    await take(a, '@x', 1, 1);
    await a.give([{ key: '@x', held: 0 }]);
    await takeOver(a, '@z');
    await until('the last one is told', () => news.flat().includes('@z'));
    expect(news).toEqual([['@x'], ['@z']]);
  });

  test('gives what is exclusive as the rules say, no matter what processes do, by seeds', async () => {
    const uids = ['a', 'b', 'c'] as const;
    const step = fc.record({
      uid: fc.constantFrom(...uids),
      what: fc.constantFrom('take', 'take', 'over', 'over', 'give', 'add', 'dies'),
      keys: fc.uniqueArray(fc.constantFrom('@x', '@y', '@z'), { minLength: 1 }),
    });
    const { runs } = await begin();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = await begin();
        const ends = new Map(uids.map((uid) => [uid, store.enter(uid)]));
        for (const end of ends.values()) await end.add(NODE);
        const has = new Map<string, string>();
        const lost = { a: 0, b: 0, c: 0 };
        for (const { uid, what, keys } of steps) {
          const end = ends.get(uid) as Store;
          if (what === 'take' || what === 'over') {
            const over = what === 'over';
            const counts = await end.take(keys.map((key) => ({ key, need: 1, wish: 1, limit: 1, over })));
            for (const key of keys) {
              const former = has.get(key) as keyof typeof lost | undefined;
              if (over && former !== undefined && former !== uid) lost[former] += 1;
              if (over || former === undefined) has.set(key, uid);
            }
            expect(counts).toEqual(keys.map((key) => (has.get(key) === uid ? 1 : 0)));
          } else if (what === 'give') {
            await end.give(keys.map((key) => ({ key, held: 0 })));
            for (const key of keys) if (has.get(key) === uid) has.delete(key);
          } else if (what === 'add') await end.add({ ...NODE, holdings: [] });
          else {
            await store.leaseEnds(uid);
            for (const each of ends.values()) await each.add(NODE);
            for (const [key, former] of has) if (former === uid) has.delete(key);
            lost[uid] = 0;
          }
          expect(await end.find(['@x', '@y', '@z'])).toEqual(
            ['@x', '@y', '@z'].map((key) => [has.get(key)].filter((each) => each !== undefined)),
          );
          expect((await end.read()).lost).toBe(lost[uid]);
        }
      }),
      { numRuns: runs },
    );
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

  test('keeps to the limit no matter what processes do, by seeds', async () => {
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

  const ticketOf = (digest: string, user = 'alice', value = `of ${user}`) => ({ digest, user, value });

  test('gives what is kept with a ticket to the first process that spends it, and to no other', async () => {
    const { a, b } = await beginWithTwo();
    expect(await a.addTicket(ticketOf('d1'))).toBe(true);
    expect(await b.addTicket(ticketOf('d2', 'bob'))).toBe(true);
    const spent = await Promise.all([a, b, a, b].map((store) => store.spendTicket('d1')));
    expect(spent.filter((each) => each !== undefined)).toEqual(['of alice']);
    expect([await a.spendTicket('d1'), await b.spendTicket('none')]).toEqual([undefined, undefined]);
    expect(await a.spendTicket('d2')).toBe('of bob');
  });

  test('keeps a ticket when the process is dead that has made it', async () => {
    const { store, a, b } = await beginWithTwo();
    await a.addTicket(ticketOf('d1'));
    await store.leaseEnds('a');
    expect(await b.spendTicket('d1')).toBe('of alice');
  });

  test('keeps so many tickets of a user that are not spent, and no more', async () => {
    const { a, b } = await beginWithTwo();
    for (let i = 0; i < TICKETS_PER_USER; i++) expect(await (i % 2 ? a : b).addTicket(ticketOf(`d${i}`))).toBe(true);
    expect([await a.addTicket(ticketOf('more')), await b.spendTicket('more')]).toEqual([false, undefined]);
    expect(await a.addTicket(ticketOf('other', 'bob'))).toBe(true);
    await b.spendTicket('d5');
    expect([await a.addTicket(ticketOf('more')), await b.addTicket(ticketOf('most'))]).toEqual([true, false]);
  });

  test('lets each ticket be spent once, no matter what processes do, by seeds', async () => {
    const step = fc.record({
      uid: fc.constantFrom('a', 'b', 'c'),
      what: fc.constantFrom('add', 'spend', 'spend at once'),
      digest: fc.integer({ min: 0, max: 5 }),
    });
    const { runs } = await begin();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const store = await begin();
        const ends = new Map(['a', 'b', 'c'].map((uid) => [uid, store.enter(uid)]));
        for (const end of ends.values()) await end.add(NODE);
        const open = new Map<string, string>();
        let made = 0;
        for (const { uid, what, digest } of steps) {
          const end = ends.get(uid) as Store;
          const key = `d${digest}`;
          if (what === 'add' && !open.has(key)) {
            made += 1;
            expect(await end.addTicket(ticketOf(key, 'alice', String(made)))).toBe(true);
            open.set(key, String(made));
          } else if (what === 'spend') {
            expect(await end.spendTicket(key)).toBe(open.get(key));
            open.delete(key);
          } else if (what === 'spend at once') {
            const all = await Promise.all([...ends.values()].map((each) => each.spendTicket(key)));
            expect(all.filter((each) => each !== undefined)).toEqual(open.has(key) ? [open.get(key)] : []);
            open.delete(key);
          }
        }
      }),
      { numRuns: runs },
    );
  });
}
