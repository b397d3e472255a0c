import { expect, test } from 'vitest';
import type { Client } from 'wsproxy-client';
import { createServer, type LimitName, type Server } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { chooseSeed } from 'wsproxy-test-support/dice';
import { effort } from 'wsproxy-test-support/engine/effort';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { byConnect, bySocks5 } from 'wsproxy-test-support/sockets/application';
import { exchange, startPartner } from 'wsproxy-test-support/traffic';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('redis-server');

/** What the transfers carry each way in all, at least: `MIB=1024` makes it 1 GiB. */
const EACH_WAY = effort('MIB', 48) * 2 ** 20;
/** At a time, half of them at each server. */
const TRANSFERS = 6;
const OF_ONE = 2 ** 20;
const SESSIONS = 4;

interface Fault {
  readonly name: string;
  begin(redis: RedisProgram): Promise<void>;
  end(redis: RedisProgram): Promise<void>;
}

const FAULTS: readonly Fault[] = [
  { name: 'killed, and started empty', begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  {
    name: 'standing still',
    begin: async (redis) => redis.signal('SIGSTOP'),
    end: async (redis) => redis.signal('SIGCONT'),
  },
  {
    name: 'full',
    begin: (redis) => configure(redis, 'maxmemory', '1'),
    end: (redis) => configure(redis, 'maxmemory', '0'),
  },
  {
    name: 'emptied as it runs',
    begin: (redis) => expectOk(redis, 'FLUSHALL'),
    end: async () => {},
  },
  {
    name: 'restarted',
    begin: (redis) => expectOk(redis, 'SHUTDOWN', 'NOSAVE'),
    end: (redis) => redis.start(),
  },
];

async function expectOk(redis: RedisProgram, ...command: string[]): Promise<void> {
  expect(await redis.cli(...command)).toMatch(/^(OK)?$/);
}

const configure = (redis: RedisProgram, name: string, value: string) => expectOk(redis, 'CONFIG', 'SET', name, value);

async function startSharing(redis: RedisProgram, hits: LimitName[]): Promise<{ server: Server; port: number }> {
  const observer = { onLimit: (limit: LimitName) => void hits.push(limit) };
  const server = createServer({ token: TOKEN, allowPrivate: true, observer, limits: { sessionsPerUser: SESSIONS } });
  await server.share({ store: redis.url });
  const { port } = await server.listen({ port: 0 });
  atEnd(() => server.close());
  return { server, port };
}

/** Whether a session is let in; it is ended again. */
async function mayEnter(port: number, hits: LimitName[], echo: number): Promise<boolean> {
  const before = hits.length;
  const starting = startClient(port);
  let client: Client | undefined;
  let failed: unknown;
  starting.then(
    (tunnel) => {
      client = tunnel.client;
    },
    (error: unknown) => {
      failed = error;
    },
  );
  await until('it is in, or refused', () => client !== undefined || hits.length > before || failed !== undefined);
  if (client === undefined) return false;
  const socket = await client.connect({ host: '127.0.0.1', port: echo });
  socket.end('here');
  for await (const chunk of socket) expect(String(chunk)).toBe('here');
  await client.close();
  return true;
}

test('transfers notice nothing of a store that is killed, stands still, is full, is emptied or restarts', {
  timeout: 120_000 + EACH_WAY / 10_000,
}, async () => {
  const [redis, hits, seed] = [new RedisProgram(), [] as LimitName[], chooseSeed()];
  await redis.start();
  const [one, other] = [await startSharing(redis, hits), await startSharing(redis, hits)];
  const [partner, echo] = [await startPartner(), await startEcho()];
  const tunnels = [await startClient(one.port), await startClient(other.port)];
  const servers = [one.server, other.server];
  const isReached = () => servers.every(({ sharing }) => sharing?.isReached);
  await until('both have the store', isReached);

  let [carried, isOver] = [0, false];
  const traffic = Array.from({ length: TRANSFERS }, async (_, n) => {
    const { port } = tunnels[n % 2] as (typeof tunnels)[number];
    for (let round = 0; !isOver || carried < EACH_WAY; round += 1) {
      await exchange(n % 3 === 0 ? byConnect : bySocks5, port, partner.port, {
        ...{ kind: 'both', seed: `${seed} ${n} ${round}`, up: OF_ONE, down: OF_ONE, pause: 0 },
      });
      carried += OF_ONE;
    }
  });

  const disturb = async (): Promise<void> => {
    for (let round = 0; round === 0 || carried < EACH_WAY; round += 1) {
      for (const fault of FAULTS) {
        const during = carried;
        await fault.begin(redis);
        // New ones come while it lasts, beside the two that are there: half of the limit, or what is held, is a server's own then.
        const entered = [await mayEnter(one.port, hits, echo.port), await mayEnter(other.port, hits, echo.port)];
        expect(entered, fault.name).toEqual([true, true]);
        await until('transfers go on meanwhile', () => carried >= during + 2 * TRANSFERS * OF_ONE);
        await fault.end(redis);
        await until('both have the store again', isReached);
      }
    }
    isOver = true;
  };
  await Promise.all([disturb(), ...traffic]);
  expect(carried).toBeGreaterThanOrEqual(EACH_WAY);
  // What the store knows is what there is.
  await until('nothing is held but by the two', () => {
    const held = servers.map(({ sharing }) => sharing?.held.get('sessions') ?? 0);
    return servers.every(({ sessionCount }) => sessionCount === 1) && held.every((count) => count === 1);
  });
  console.log(`${carried / 2 ** 20} MiB each way`);
});
