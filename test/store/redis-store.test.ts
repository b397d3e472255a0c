import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { describeStore } from 'wsproxy-test-support/store/store-contract';
import { until } from 'wsproxy-test-support/until';
import { createRedisStore } from '../../packages/server/src/store/redis-store.js';
import { DEADLINE, LEASE, type Store, TICKET_TIME } from '../../packages/server/src/store/store.js';

const FACT = { kind: 'process', node: 'n1', address: '' } as const;
const PREFIX = 'wsproxy:{default}:';

skipUnlessInstalled('redis-server');

/** Once it has answered. */
async function enter(redis: RedisProgram, uid: string, query = ''): Promise<Store> {
  const store = createRedisStore(redis.url + query, uid);
  atEnd(() => store.close());
  await untilReached(store);
  return store;
}

async function untilReached(store: Store): Promise<void> {
  const isThere = async () =>
    store.read().then(
      () => true,
      () => false,
    );
  await until('the store answers', isThere);
}

async function newRedis(...settings: readonly string[]): Promise<RedisProgram> {
  const redis = new RedisProgram();
  await redis.start(...settings);
  return redis;
}

const take = async (store: Store, need: number, limit: number): Promise<number> => {
  const [held = -1] = await store.take([{ key: 'channels', need, wish: need, limit }]);
  return held;
};

describe('the store in Redis', () => {
  describeStore(async () => {
    const redis = await newRedis();
    const stores = ['a', 'b', 'c'].map((uid) => [uid, createRedisStore(redis.url, uid)] as const);
    for (const [, store] of stores) {
      atEnd(() => store.close());
      await untilReached(store);
    }
    const byUid = new Map(stores);
    return {
      // Each has a server of its own.
      runs: 10,
      enter: (uid) => byUid.get(uid) as Store,
      // What Redis does by itself once nobody has renewed it, which the next test awaits.
      leaseEnds: async (uid) => {
        await redis.cli('PEXPIRE', `${PREFIX}process:${uid}`, '0');
      },
    };
  });

  test('forgets a process that says nothing for as long as a lease lasts, and no sooner', async () => {
    const redis = await newRedis();
    const [dead, living] = [await enter(redis, 'dead'), await enter(redis, 'living')];
    await dead.add(FACT);
    const since = performance.now();
    await take(dead, 10, 10);
    await until('its places are free', async () => {
      await living.add(FACT);
      return (await take(living, 1, 10)) === 1;
    });
    expect(performance.now() - since).toBeGreaterThan(LEASE - 500);
    expect(performance.now() - since).toBeLessThan(LEASE + 2_000);
  });

  test('keeps of a ticket what the next one who spends it gets, and forgets it with all beside it', async () => {
    const redis = await newRedis();
    const store = await enter(redis, 'a');
    for (const digest of ['d1', 'd2']) await store.addTicket({ digest, user: 'alice', value: 'hers' });
    const keys = async () => (await redis.cli('KEYS', '*')).split('\n').sort();
    expect(await keys()).toEqual(['ticket:d1', 'ticket:d2', 'tickets', 'tickets:alice'].map((key) => PREFIX + key));
    for (const key of await keys()) {
      const left = Number(await redis.cli('PTTL', key));
      expect(left).toBeGreaterThan(TICKET_TIME - 5_000);
      expect(left).toBeLessThanOrEqual(TICKET_TIME);
    }
    // What time does by itself.
    await redis.cli('PEXPIRE', `${PREFIX}ticket:d1`, '0');
    expect([await store.spendTicket('d1'), await store.spendTicket('d2')]).toEqual([undefined, 'hers']);
  });

  test('keeps clusters apart by their names', async () => {
    const redis = await newRedis();
    const [one, other] = [await enter(redis, 'a', '?cluster=one'), await enter(redis, 'a', '?cluster=other')];
    await one.add(FACT);
    await other.add(FACT);
    expect(await take(one, 10, 10)).toBe(10);
    expect(await take(other, 10, 10)).toBe(10);
    expect((await redis.cli('KEYS', '*')).split('\n').sort()).toEqual([
      'wsproxy:{one}:process:a',
      'wsproxy:{one}:processes',
      'wsproxy:{other}:process:a',
      'wsproxy:{other}:processes',
    ]);
  });

  test('is away without a server, at once, and there again when that is', async () => {
    const redis = await newRedis();
    const store = await enter(redis, 'a');
    await store.add(FACT);
    await redis.kill();
    await until('it is away', () =>
      store.read().then(
        () => false,
        ({ code }) => code === 'away',
      ),
    );
    const since = performance.now();
    for (let i = 0; i < 100; i++) await expect(take(store, 1, 10)).rejects.toMatchObject({ code: 'away' });
    expect(performance.now() - since).toBeLessThan(DEADLINE);
    await redis.start();
    await untilReached(store);
    // It knows nothing any more.
    await expect(take(store, 1, 10)).rejects.toMatchObject({ code: 'lease' });
    expect(await store.add({ ...FACT, holdings: [{ key: 'channels', held: 4 }] })).toEqual({ isNew: true });
    expect(await redis.cli('HGET', `${PREFIX}process:a`, 'channels')).toBe('4');
  });

  test('waits no longer than its deadline for one that does not answer, on any connection', async () => {
    const redis = await newRedis();
    const [store, other] = [await enter(redis, 'a'), await enter(redis, 'b')];
    await store.add(FACT);
    await other.add(FACT);
    await take(store, 2, 10);
    redis.signal('SIGSTOP');
    for (let i = 0; i < 4; i++) {
      const since = performance.now();
      await expect(take(store, 5 + i, 10)).rejects.toMatchObject({ code: 'away' });
      expect(performance.now() - since).toBeLessThan(DEADLINE + 500);
    }
    redis.signal('SIGCONT');
    await untilReached(store);
    // What it has done, or not, of those that it has not answered is set right.
    await store.add({ ...FACT, holdings: [{ key: 'channels', held: 2 }] });
    await other.add(FACT);
    expect(await take(other, 10, 10)).toBe(8);
  });

  test('does nothing of a process that is older than what it has done last', async () => {
    const redis = await newRedis();
    const store = await enter(redis, 'a');
    const other = await enter(redis, 'b');
    await store.add({ ...FACT, holdings: [] });
    await other.add(FACT);
    await take(store, 5, 10);
    // A connection that was given up, and is read now: another end of the same process, which begins to count anew.
    const old = await enter(redis, 'a');
    await expect(old.give([{ key: 'channels', held: 0 }])).rejects.toMatchObject({ code: 'away' });
    expect(await take(other, 10, 10)).toBe(5);
  });

  test('goes on with the leases that it has, and gives nothing, while the server is full', async () => {
    const redis = await newRedis('--maxmemory-policy', 'noeviction');
    const [store, other] = [await enter(redis, 'a'), await enter(redis, 'b')];
    await store.add(FACT);
    await take(store, 3, 10);
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    await expect(take(store, 4, 10)).rejects.toMatchObject({ code: 'away' });
    await expect(other.spend('2026-11', [{ user: 'alice', bytes: 1 }])).rejects.toMatchObject({ code: 'away' });
    await other.add(FACT);
    await store.give([{ key: 'channels', held: 2 }]);
    await redis.cli('PEXPIRE', `${PREFIX}process:a`, '5000');
    expect(await store.add(FACT)).toEqual({ isNew: false });
    expect(Number(await redis.cli('PTTL', `${PREFIX}process:a`))).toBeGreaterThan(5_000);
    await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    expect(await take(other, 10, 10)).toBe(8);
  });

  test('starts again with what the server has kept, and tells of what is revoked from then on', async () => {
    const redis = await newRedis();
    const store = await enter(redis, 'a');
    const other = await enter(redis, 'b');
    await store.add({ kind: 'revocation', user: 'alice', token: '' });
    await redis.cli('SAVE');
    await store.add({ kind: 'revocation', user: 'bob', token: '' });
    const { mark } = await other.read(0);
    await store.spend('2026-11', [{ user: 'alice', bytes: 7 }]);
    await redis.kill();
    await redis.start();
    await untilReached(store);
    await untilReached(other);
    // It has lost the second one, but no later one counts as older than that.
    await store.add({ kind: 'revocation', user: 'carol', token: '' });
    expect((await other.read(mark)).revocations).toEqual([{ user: 'carol', token: '' }]);
    expect(await store.spend('2026-11', [{ user: 'alice', bytes: 8 }])).toEqual([8]);
  });

  test('calls those who watch after it was away as well', async () => {
    const redis = await newRedis();
    const [store, other] = [await enter(redis, 'a'), await enter(redis, 'b')];
    let calls = 0;
    other.watch(() => {
      calls += 1;
    });
    await until('the first call', () => calls > 0);
    await redis.kill();
    await redis.start();
    await untilReached(store);
    const before = calls;
    await until('another call', async () => {
      await store.add({ kind: 'revocation', user: 'alice', token: '' });
      return calls > before + 1;
    });
  });

  test('comes over TCP, with the password of its address', async () => {
    const port = String(await freePort());
    const redis = await newRedis('--requirepass', 'p@ss', '--port', port, '--bind', '127.0.0.1');
    const wrong = createRedisStore(redis.url, 'a');
    atEnd(() => wrong.close());
    const right = createRedisStore(`redis://:p%40ss@127.0.0.1:${port}/3`, 'a');
    atEnd(() => right.close());
    await untilReached(right);
    await expect(wrong.read()).rejects.toMatchObject({ code: 'away' });
  });

  test.each([
    ['a wrong password', ':no', '', /WRONGPASS/],
    ['no password', '', '', /NOAUTH/],
    ['a database that is not there', ':pass', '/99', /DB index is out of range/],
  ])('says that %s is why there is no connection', async (_what, user, database, why) => {
    const port = String(await freePort());
    await newRedis('--requirepass', 'pass', '--port', port, '--bind', '127.0.0.1');
    const store = createRedisStore(`redis://${user === '' ? '' : `${user}@`}127.0.0.1:${port}${database}`, 'a');
    atEnd(() => store.close());
    await until('the store has said why', () =>
      store.read().then(
        () => false,
        ({ message }: Error) => message.startsWith('no connection to the store: ') && why.test(message),
      ),
    );
  });

  test('says that nobody listens there', async () => {
    const store = createRedisStore(`redis://127.0.0.1:${await freePort()}`, 'a');
    atEnd(() => store.close());
    await expect(store.read()).rejects.toThrow(/^no connection to the store: .*ECONNREFUSED/);
  });
});
