import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { describeStore } from 'wsproxy-test-support/store/store-contract';
import { MemoryStore } from '../../src/store/memory-store.js';
import { answerWorker, createParentStore, type MessagePort } from '../../src/store/parent-store.js';
import { DEADLINE, LEASE, type Store, StoreError } from '../../src/store/store.js';

const FACT = { kind: 'process', node: 'n1', address: '' } as const;

/** Both ends of a way for messages, each of which is passed on as JSON says it, and `pass` may hold back, drop or double. */
function newWay(pass: (deliver: () => void, message: unknown) => void = (deliver) => deliver()) {
  const ends: { listeners: ((message: unknown) => void)[] }[] = [{ listeners: [] }, { listeners: [] }];
  const portOf = (own: number): MessagePort => ({
    post: (message) => {
      const copy: unknown = JSON.parse(JSON.stringify(message));
      queueMicrotask(() =>
        pass(() => {
          for (const listener of ends[1 - own]?.listeners ?? []) listener(copy);
        }, copy),
      );
    },
    onMessage: (listener) => ends[own]?.listeners.push(listener),
  });
  return { worker: portOf(0), parent: portOf(1) };
}

function join(enter: (uid: string) => Store, clock: FakeClock, uid = 'a', pass?: Parameters<typeof newWay>[0]) {
  const way = newWay(pass);
  way.parent.onMessage(answerWorker(way.parent, enter));
  return createParentStore(way.worker, uid, clock);
}

const entranceOf = (memory: MemoryStore) => (uid: string) => memory.enter(uid);

describe('the store of the parent', () => {
  describeStore(async () => {
    const clock = new FakeClock();
    const memory = new MemoryStore(clock);
    const ends = new Map<string, Store>();
    return {
      runs: 100,
      enter: (uid) => {
        const end = join(entranceOf(memory), clock, uid);
        // As a parent does when a worker has ended.
        end.close = async () => memory.forget(uid);
        ends.set(uid, end);
        return end;
      },
      leaseEnds: async (uid) => {
        clock.advance(LEASE / 2);
        for (const [other, end] of ends)
          if (other !== uid) await end.add({ ...FACT, node: 'n2', address: 'n1.example:8443' });
        clock.advance(LEASE / 2);
      },
    };
  });

  test('is away when the parent does not answer in time, and what comes later is nothing to it', async () => {
    const clock = new FakeClock();
    const late: (() => void)[] = [];
    const store = join(entranceOf(new MemoryStore(clock)), clock, 'a', (deliver, message) => {
      if ((message as { kind: string }).kind === 'store reply') late.push(deliver);
      else deliver();
    });
    const added = store.add(FACT);
    const failure = expect(added).rejects.toMatchObject({ code: 'away' });
    await Promise.resolve();
    clock.advance(DEADLINE);
    await failure;
    const read = store.read();
    while (late.length < 2) await Promise.resolve();
    for (const deliver of late) deliver();
    expect((await read).processes).toEqual([{ uid: 'a', node: 'n1', address: '' }]);
    expect(clock.pending).toBe(0);
  });

  test('takes an answer that comes twice once', async () => {
    const clock = new FakeClock();
    const store = join(entranceOf(new MemoryStore(clock)), clock, 'a', (deliver) => {
      deliver();
      deliver();
    });
    await store.add(FACT);
    expect(await store.take([{ key: 'sessions', need: 2, wish: 2, limit: 3 }])).toEqual([2]);
  });

  test('lets nobody spend a ticket twice, no matter which messages are lost or doubled, by seeds', async () => {
    const fates = fc.array(fc.constantFrom('lost', 'doubled', 'delivered', 'delivered'), {
      minLength: 40,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(fates, async (given) => {
        const left = [...given];
        const clock = new FakeClock();
        const memory = new MemoryStore(clock);
        await memory.tickets.addTicket({ digest: 'd', user: 'alice', value: 'hers' });
        const spoil = (deliver: () => void, message: unknown) => {
          const fate = (message as { kind: string }).kind === 'store entry' ? 'delivered' : left.pop();
          if (fate !== 'lost') deliver();
          if (fate === 'doubled') deliver();
        };
        const stores = ['a', 'b', 'c'].map((uid) => join(entranceOf(memory), clock, uid, spoil));
        const asked = stores.flatMap((store) => [1, 2, 3].map(() => store.spendTicket('d').catch(() => 'away')));
        await new Promise(setImmediate);
        clock.advance(DEADLINE);
        const answers = await Promise.all(asked);
        expect(answers.filter((answer) => answer === 'hers').length).toBeLessThanOrEqual(1);
        // Somebody was told what was kept, or nobody can be any more, or nobody has asked.
        const isLeft = (await memory.enter('d').spendTicket('d')) !== undefined;
        expect(isLeft && answers.some((answer) => answer !== 'away')).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('lets messages of others pass', async () => {
    const way = newWay();
    const clock = new FakeClock();
    way.parent.onMessage(answerWorker(way.parent, entranceOf(new MemoryStore(clock))));
    const store = createParentStore(way.worker, 'a', clock);
    for (const message of [undefined, null, 7, 'ready', { kind: 'ready' }, { kind: 'store reply', id: 99 }]) {
      way.worker.post(message ?? null);
      way.parent.post(message ?? null);
    }
    expect(await store.add(FACT)).toEqual({ isNew: true });
  });

  test('says as the store of the parent does that it is away', async () => {
    const clock = new FakeClock();
    const away = new MemoryStore(clock).enter('a');
    away.read = () => Promise.reject(new StoreError('away', 'no connection'));
    await expect(join(() => away, clock).read()).rejects.toMatchObject({ code: 'away', message: 'no connection' });
  });
});
