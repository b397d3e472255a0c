import { once } from 'node:events';
import { AbstractConnector, Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { Client } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { MARIADB, startMariadb } from 'wsproxy-test-support/destinations/mariadb';
import { startMongoStandIn } from 'wsproxy-test-support/destinations/mongo-stand-in';
import { postgresProgram, startPostgres } from 'wsproxy-test-support/destinations/postgres';
import { startRedis } from 'wsproxy-test-support/destinations/redis';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = '127.0.0.1';
const BIG = 3_000_000;

/** What a driver was seen to do, without a tunnel or with the sockets of one. */
type Session = (through: Client | undefined) => Promise<unknown>;

/** The driver does the same over sockets of the tunnel as over its own. */
async function expectSame(session: Session): Promise<void> {
  const { client } = await startTunnel();
  const straight = await session(undefined);
  expect(await session(client)).toEqual(straight);
}

const failureOf = (error: NodeJS.ErrnoException): unknown => [error.code, error.syscall];
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'ok', failureOf);

describe('node-postgres', () => {
  skipUnlessInstalled(postgresProgram('postgres'));

  const optionsOf = (through: Client | undefined, connectionString: string): pg.ClientConfig => ({
    connectionString,
    keepAlive: true,
    ...(through !== undefined && { stream: () => through.socket() }),
  });

  test('asks, is told of mistakes, and loses its connection as over its own socket', async () => {
    const url = await startPostgres();
    await expectSame(async (through) => {
      const events: unknown[] = [];
      const client = new pg.Client(optionsOf(through, url));
      client.on('end', () => events.push('end')).on('error', (error) => events.push(error.message));
      await client.connect();
      const { rows } = await client.query('select $1::int + 1 as sum, repeat($2, $3) as big', [41, 'x', BIG]);
      const [{ sum, big }] = rows as [{ sum: number; big: string }];
      events.push(sum, big.length);
      events.push(await outcomeOf(client.query('select nothing from nowhere')));
      events.push(await outcomeOf(client.query('select pg_terminate_backend(pg_backend_pid())')));
      await until('it has noticed', () => events.includes('end'));
      return events;
    });
  });

  test('keeps a pool, over TLS, and ends', async () => {
    const certificate = await makeCertificate(temporaryFolder(), 'DNS:localhost,IP:127.0.0.1', 1);
    const url = await startPostgres(certificate);
    await expectSame(async (through) => {
      const pool = new pg.Pool({ ...optionsOf(through, url), max: 3, ssl: { ca: certificate.cert } });
      const ask = (n: number) => pool.query('select $1::int as n, pg_sleep(0.01)', [n]);
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => ask(n)));
      const total = pool.totalCount;
      const { rows } = await pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      await pool.end();
      return [answers.map(({ rows: [row] }) => (row as { n: number }).n), total, rows];
    });
  });

  test('is refused as by its own socket', async () => {
    const port = await freePort();
    await expectSame((through) =>
      outcomeOf(new pg.Client(optionsOf(through, `postgres://a@${HOST}:${port}/a`)).connect()),
    );
  });
});

describe('mysql2', () => {
  skipUnlessInstalled(MARIADB);

  const optionsOf = (through: Client | undefined, port: number): mysql.ConnectionOptions => ({
    ...{ host: HOST, port, user: 'root' },
    ...(through !== undefined && { stream: () => through.socket().connect(port, HOST) }),
  });

  test('asks, pools, speaks TLS and loses its connection as over its own socket', async () => {
    const certificate = await makeCertificate(temporaryFolder(), 'DNS:localhost,IP:127.0.0.1', 1);
    const port = await startMariadb(certificate);
    await expectSame(async (through) => {
      const events: unknown[] = [];
      const options = optionsOf(through, port);
      const connection = await mysql.createConnection(options);
      const [[first]] = await connection.execute<mysql.RowDataPacket[]>('select ? + 1 as sum', [41]);
      const [[second]] = await connection.query<mysql.RowDataPacket[]>('select repeat("x", ?) as big', [BIG]);
      events.push(first?.['sum'], String(second?.['big']).length);
      events.push(await outcomeOf(connection.query('select nothing from nowhere')));
      const told = new Promise((resolve) => connection.once('error', resolve));
      events.push(await outcomeOf(connection.query('kill connection_id()')));
      // Who asks before is told by the write.
      events.push(failureOf((await told) as NodeJS.ErrnoException));
      events.push(await outcomeOf(connection.query('select 1')));

      const pool = mysql.createPool({ ...options, connectionLimit: 3, ssl: { ca: certificate.cert } });
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => pool.query('select ? as n', [n])));
      const [[status]] = await pool.query<mysql.RowDataPacket[]>("show status like 'Ssl_version'");
      await pool.end();
      return [events, answers.map(([rows]) => rows), status];
    });
  });

  test('is refused as by its own socket', async () => {
    const port = await freePort();
    await expectSame((through) => outcomeOf(mysql.createConnection(optionsOf(through, port))));
  });
});

describe('ioredis', () => {
  skipUnlessInstalled('redis-server');

  /** Every try gets a socket, so that it is ioredis that tries again. */
  function redisOf(through: Client | undefined, port: number): Redis {
    class TunnelConnector extends AbstractConnector {
      constructor() {
        super(2_000);
      }

      override connect() {
        this.connecting = true;
        this.stream = (through as Client).socket().connect(port, HOST);
        return Promise.resolve(this.stream);
      }
    }
    const options = { port, host: HOST, connectTimeout: 10_000, keepAlive: 1_000, retryStrategy: () => 10 };
    return new Redis({ ...options, ...(through !== undefined && { Connector: TunnelConnector }) });
  }

  test('asks, subscribes, and connects again as over its own socket', async () => {
    const port = await startRedis();
    await expectSame(async (through) => {
      const events: unknown[] = [];
      const redis = redisOf(through, port);
      const listener = redisOf(through, port);
      for (const name of ['connect', 'ready', 'close', 'reconnecting', 'end']) redis.on(name, () => events.push(name));
      redis.on('error', (error) => events.push(failureOf(error)));
      await listener.subscribe('news');
      const told = once(listener, 'message');
      await redis.set('big', 'x'.repeat(BIG));
      await redis.publish('news', 'hello');
      events.push((await redis.get('big'))?.length, await told);
      const pipeline = redis.pipeline();
      for (let n = 0; n < 1_000; n += 1) pipeline.incr('count');
      events.push((await pipeline.exec())?.length);
      // It ends its own connection, and another one is made.
      const again = once(redis, 'ready');
      redis.call('client', 'kill', 'id', await redis.client('ID'), 'skipme', 'no').catch(() => {});
      await again;
      events.push(await redis.incr('count'));
      await redis.flushall();
      await Promise.all([redis.quit(), listener.quit()]);
      await until('it has ended', () => redis.status === 'end');
      return events;
    });
  });

  test('tries again while nobody listens, as over its own socket', async () => {
    const port = await freePort();
    await expectSame(async (through) => {
      const failures: unknown[] = [];
      const redis = redisOf(through, port);
      redis.on('error', (error) => failures.push(failureOf(error)));
      await until('it has tried three times', () => failures.length >= 3);
      redis.disconnect();
      return failures.slice(0, 3);
    });
  });
});

describe('mongodb, through a SOCKS port of the client', () => {
  const optionsOf = async (through: Client | undefined) => {
    if (through === undefined) return {};
    const { address } = await through.listen({ port: 0, protocols: ['socks5'] });
    // The library for SOCKS keeps its timer so long.
    return { proxyHost: address.address, proxyPort: address.port, connectTimeoutMS: 5_000 };
  };

  // The driver is the real one; of the server there is as much as it asks for.
  test('inserts and finds as over its own socket', async () => {
    await expectSame(async (through) => {
      const port = await startMongoStandIn();
      const client = new MongoClient(`mongodb://${HOST}:${port}`, await optionsOf(through));
      await client.connect();
      const things = client.db('test').collection<{ _id: number; text: string }>('things');
      await client.db('test').command({ ping: 1 });
      await things.insertMany([
        { _id: 1, text: 'x'.repeat(BIG) },
        { _id: 2, text: 'short' },
      ]);
      const found = await things.find().toArray();
      const mistake = await outcomeOf(client.db('test').command({ nothing: 1 }));
      await client.close();
      return [found.map(({ _id, text }) => [_id, text.length]), mistake];
    });
  });

  test('is told when nobody listens', async () => {
    const { client: through } = await startTunnel();
    const options = { serverSelectionTimeoutMS: 200, ...(await optionsOf(through)) };
    const client = new MongoClient(`mongodb://${HOST}:${await freePort()}`, options);
    await expect(client.connect()).rejects.toThrow(/ConnectionRefused|ECONNREFUSED/i);
    await client.close();
  });
});
