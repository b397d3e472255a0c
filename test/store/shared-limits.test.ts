import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Client } from 'wsproxy-client';
import { createServer, type LimitName, type Server, type ServerOptions, type ShareOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { openRawWebSocket } from 'wsproxy-test-support/wire/raw-websocket';

skipUnlessInstalled('redis-server');

const MIB = 1_048_576;
const OTHER_TOKEN = 'another-token-0123456789-abcdefghijkl';
const entryOf = (id: string, token: string) => ({ id, tokenSha256: createHash('sha256').update(token).digest('hex') });

interface SharingServer {
  readonly server: Server;
  readonly port: number;
  readonly hits: LimitName[];
}

async function newRedis(): Promise<RedisProgram> {
  const redis = new RedisProgram();
  await redis.start();
  return redis;
}

/** A server that shares its limits, of which each is a process of its own to the store. */
async function startSharing(
  redis: RedisProgram,
  options: Partial<ServerOptions> = {},
  share: Partial<ShareOptions> = {},
): Promise<SharingServer> {
  const hits: LimitName[] = [];
  const observer = { onLimit: (limit: LimitName) => void hits.push(limit) };
  const isAlone = options.users === undefined;
  const server = createServer({ ...(isAlone && { token: TOKEN }), allowPrivate: true, observer, ...options });
  await server.share({ store: redis.url, ...share });
  const { port } = await server.listen({ port: 0 });
  atEnd(() => server.close());
  return { server, port, hits };
}

/** Whether an application gets its connection. */
async function opens(client: Client, port: number): Promise<boolean> {
  try {
    const socket = await client.connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    atEnd(() => void socket.destroy());
    return true;
  } catch {
    return false;
  }
}

const sum = (servers: readonly SharingServer[], count: (server: Server) => number): number =>
  servers.reduce((total, { server }) => total + count(server), 0);

test('a user has as many sessions at all servers as they may have at one', async () => {
  const redis = await newRedis();
  const servers = await Promise.all([1, 2, 3].map(() => startSharing(redis, { limits: { sessionsPerUser: 3 } })));
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(
      most,
      sum(servers, (server) => server.sessionCount),
    );
  }, 1);
  atEnd(() => clearInterval(watch));
  const clients = servers.flatMap(({ port }) => [1, 2].map(() => startClient(port)));
  for (const client of clients) client.catch(() => {});
  await until('three are in, and three are refused', () => {
    const refused = servers.flatMap(({ hits }) => hits).filter((limit) => limit === 'sessionsPerUser').length;
    return sum(servers, (server) => server.sessionCount) === 3 && refused >= 3;
  });
  expect(most).toBe(3);
});

test('a place that a client leaves is free for one at another server', async () => {
  const redis = await newRedis();
  const [a, b] = [
    await startSharing(redis, { limits: { sessionsPerUser: 1 } }),
    await startSharing(redis, { limits: { sessionsPerUser: 1 } }),
  ];
  const { client } = await startClient(a.port);
  await client.close();
  await until('the first session is over', () => a.server.sessionCount === 0);
  await startClient(b.port);
  expect(b.server.sessionCount).toBe(1);
});

test('sessions at a server that drains leave room for as many at the others, and end no place twice', async () => {
  const [redis, echo] = [await newRedis(), await startEcho()];
  const [former, next] = await Promise.all([1, 2].map(() => startSharing(redis, { limits: { sessionsPerUser: 1 } })));
  if (former === undefined || next === undefined) throw new Error('there are two');
  const { client: first } = await startClient(former.port);
  expect(await opens(first, echo.port)).toBe(true);
  const retired = former.server.retire(60_000);
  const { client: second } = await startClient(next.port);
  expect(await opens(second, echo.port)).toBe(true);
  expect([former.server.sessionCount, next.server.sessionCount]).toEqual([1, 1]);
  await first.close();
  await retired;
  startClient(next.port).catch(() => {});
  await until('there is no room for one more', () => next.hits.includes('sessionsPerUser'));
  expect(next.server.sessionCount).toBe(1);
});

test('greetings that are cut take no place, and those who come meanwhile are no more than may be', async () => {
  const redis = await newRedis();
  const limits = { sessionsPerUser: 4 };
  const servers = await Promise.all([1, 2].map(() => startSharing(redis, { limits })));
  let most = 0;
  for (let round = 0; round < 10; round++) {
    const peers = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => openRawWebSocket((servers[i % 2] as SharingServer).port)),
    );
    most = Math.max(
      most,
      sum(servers, (server) => server.sharing?.held.get('sessions') ?? 0),
    );
    for (const peer of peers) if (peer.status === 'fulfilled') peer.value.socket.destroy();
  }
  expect(most).toBeLessThanOrEqual(4);
  await until('all places are free', async () => {
    const fields = (await redis.cli('--raw', 'KEYS', '*process:*')).split('\n');
    const held = await Promise.all(fields.map((key) => redis.cli('HGET', key, 'sessions')));
    return held.every((count) => count === '');
  });
  await Promise.all([0, 1, 0, 1].map((i) => startClient((servers[i] as SharingServer).port)));
  expect(sum(servers, (server) => server.sessionCount)).toBe(4);
});

test('connections over several servers keep to the limit of the user, however fast they come', async () => {
  const redis = await newRedis();
  const echo = await startEcho();
  const limits = { channels: 64 };
  const servers = await Promise.all([1, 2].map(() => startSharing(redis, { limits })));
  const clients = await Promise.all(servers.map(({ port }) => startClient(port)));
  const asked = Array.from({ length: 200 }, (_, i) => opens((clients[i % 2] as { client: Client }).client, echo.port));
  const opened = (await Promise.all(asked)).filter(Boolean).length;
  expect(opened).toBeLessThanOrEqual(64);
  expect(opened).toBeGreaterThanOrEqual(48);
  expect(sum(servers, (server) => server.channelCount)).toBe(opened);
});

test('a user who has all that they may keeps nothing from others by asking for more at another server', async () => {
  const redis = await newRedis();
  const echo = await startEcho();
  const users = [entryOf('alice', TOKEN), entryOf('bob', OTHER_TOKEN)];
  const options = { users, limits: { channels: 64 } };
  const [a, b] = [await startSharing(redis, options), await startSharing(redis, options)];
  const { client: alice } = await startClient(a.port);
  // Half of all there are.
  await Promise.all(Array.from({ length: 32 }, () => opens(alice, echo.port)));
  const { client: again } = await startClient(b.port);
  const { client: bob } = await startClient(a.port, { token: OTHER_TOKEN });
  let isOver = false;
  atEnd(() => {
    isOver = true;
  });
  let refused = 0;
  const flood = Array.from({ length: 200 }, async () => {
    while (!isOver) if (!(await opens(again, echo.port))) refused += 1;
  });
  await until('there are more than she may have', () => refused > 1_000);
  for (let i = 0; i < 24; i++) expect(await opens(bob, echo.port)).toBe(true);
  isOver = true;
  await Promise.all(flood);
  expect(a.server.channelCount + b.server.channelCount).toBe(56);
});

test('bytes of the month are those of all servers, but for a mebibyte and a second of each', async () => {
  const redis = await newRedis();
  const options = { limits: { monthlyBytes: 16 * MIB } };
  const servers = [await startSharing(redis, options), await startSharing(redis, options)];
  const source = await startSource('shared', 12 * MIB);
  const read = async ({ port }: SharingServer): Promise<number> => {
    const { client } = await startClient(port);
    const socket = await client.connect({ host: '127.0.0.1', port: source.port });
    let bytes = 0;
    return new Promise((resolve) => {
      socket.on('data', ({ length }: Buffer) => {
        bytes += length;
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(bytes));
    });
  };
  expect(await read(servers[0] as SharingServer)).toBe(12 * MIB);
  expect(await read(servers[1] as SharingServer)).toBeLessThan(6 * MIB);
  await until('both know of it', async () => (await redis.cli('--raw', 'HVALS', monthKey())) >= String(16 * MIB));
});

const monthKey = (): string => `wsproxy:{default}:bytes:${new Date().toISOString().slice(0, 7)}`;

test('a token that one server was told is gone ends its sessions at the other within 5 s, and comes in nowhere', async () => {
  const redis = await newRedis();
  const users = [entryOf('alice', TOKEN), entryOf('bob', OTHER_TOKEN)];
  const [a, b] = [await startSharing(redis, { users }), await startSharing(redis, { users })];
  await startClient(b.port);
  const { client: bob } = await startClient(b.port, { token: OTHER_TOKEN });
  const since = performance.now();
  a.server.setUsers(users.slice(1));
  await until('alice is out', () => b.server.sessions().every(({ user }) => user === 'bob'));
  expect(performance.now() - since).toBeLessThan(5_000);
  await expect(startClient(b.port)).rejects.toThrow();
  expect(bob.status().state).toBe('online');
  // Until its own users say so.
  b.server.setUsers(users);
  await startClient(b.port);
});

test('a token that takes the place of another comes in, no matter which server hears of it first', async () => {
  const redis = await newRedis();
  const before = [entryOf('alice', OTHER_TOKEN)];
  const after = [entryOf('alice', TOKEN)];
  const [a, b] = [await startSharing(redis, { users: before }), await startSharing(redis, { users: before })];
  await startClient(a.port, { token: OTHER_TOKEN });
  b.server.setUsers(after);
  a.server.setUsers(after);
  await until('the session by the former token is over', () => a.server.sessionCount === 0);
  await startClient(b.port);
  // Each has heard of what the other has said.
  await until('nothing is told any more', async () => {
    const calls = [a, b].map(({ server }) => server.sharing?.calls.answered ?? 0);
    await until('both have looked again', () =>
      [a, b].every(({ server }, i) => (server.sharing?.calls.answered ?? 0) > (calls[i] ?? 0) + 2),
    );
    return true;
  });
  await startClient(a.port);
  expect([a.server.sessionCount, b.server.sessionCount]).toEqual([1, 1]);
});

test('a user who is given another name comes in, no matter which server hears of it first', async () => {
  const redis = await newRedis();
  const [before, after] = [[entryOf('alice', TOKEN)], [entryOf('carol', TOKEN)]];
  const [a, b] = [await startSharing(redis, { users: before }), await startSharing(redis, { users: before })];
  await startClient(b.port);
  b.server.setUsers(after);
  await until('the other one has heard of it', () =>
    startClient(a.port).then(
      () => false,
      () => true,
    ),
  );
  a.server.setUsers(after);
  const told = b.server.sharing?.calls.answered ?? 0;
  await until('it has looked again', () => (b.server.sharing?.calls.answered ?? 0) > told + 2);
  await startClient(b.port);
  await startClient(a.port);
  for (const { server } of [a, b])
    expect(new Set(server.sessions().map(({ user }) => user))).toEqual(new Set(['carol']));
});

test('a token that a server could not tell of, and had again, is out when another server tells of it', async () => {
  const redis = await newRedis();
  const users = [entryOf('alice', TOKEN), entryOf('bob', OTHER_TOKEN)];
  const [a, b] = [await startSharing(redis, { users }), await startSharing(redis, { users })];
  await redis.kill();
  a.server.setUsers(users.slice(1));
  await until('it knows that nobody was told', () => a.server.sharing?.isReached === false);
  a.server.setUsers(users);
  await redis.start();
  await until('both can be told', () => [a, b].every(({ server }) => server.sharing?.isReached));
  await startClient(a.port);
  b.server.setUsers(users.slice(1));
  await until('alice is out', () => a.server.sessionCount === 0);
  await expect(startClient(a.port)).rejects.toThrow();
});

test('sessions that one server ends are ended at all, also when nobody tells the others at once', async () => {
  const redis = await newRedis();
  const [a, b] = [await startSharing(redis), await startSharing(redis)];
  await startClient(b.port);
  await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const since = performance.now();
  a.server.endSessions('default');
  await until('it is over', () => b.server.sessionCount === 0);
  expect(performance.now() - since).toBeLessThan(5_000);
});

test('what runs does not notice that the store is away, and what is new follows --store-away', async () => {
  const redis = await newRedis();
  const echo = await startEcho();
  const limits = { channels: 8 };
  const strict = await startSharing(redis, { limits }, { away: 'refuse' });
  const loose = await startSharing(redis, { limits }, { away: 'admit' });
  const { client } = await startClient(loose.port);
  const { client: refused } = await startClient(strict.port);
  const socket = await client.connect({ host: '127.0.0.1', port: echo.port });
  atEnd(() => void socket.destroy());
  await until('both know of each other', () =>
    [strict, loose].every(({ server }) => (server.sharing?.calls.answered ?? 0) > 4),
  );
  redis.signal('SIGSTOP');
  await until('both have noticed', () => [strict, loose].every(({ server }) => server.sharing?.isReached === false));
  const since = performance.now();
  socket.write('still there');
  expect(String(await new Promise((resolve) => socket.once('data', resolve)))).toBe('still there');
  expect(performance.now() - since).toBeLessThan(500);
  // Half of eight, of which it has one.
  const admitted = await Promise.all([1, 2, 3, 4, 5].map(() => opens(client, echo.port)));
  expect(admitted.filter(Boolean)).toHaveLength(3);
  await until('the lease has ended', async () => !(await opens(refused, echo.port)));
  redis.signal('SIGCONT');
  await until('it is there again', async () => opens(refused, echo.port));
  expect(loose.server.sessionCount).toBe(1);
});

test('a server that joins a store keeps no quota file, and joins no other', async () => {
  const redis = await newRedis();
  const { server } = await startSharing(redis);
  await expect(server.share({ store: redis.url })).rejects.toMatchObject({ option: 'cluster' });
  const other = createServer({ token: TOKEN });
  atEnd(() => other.close());
  await expect(other.share({ store: 'redis://' })).rejects.toMatchObject({ option: 'cluster' });
  await expect(other.share({ store: redis.url, advertise: 'here' })).rejects.toMatchObject({
    option: 'clusterAdvertise',
  });
});
