import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Client } from 'wsproxy-client';
import type { Server } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('redis-server');

const OTHER = 'another-token-for-tests-0123456789-0123456789';

/** A server of a cluster, and a client of it whose service the server is to listen for. */
class End {
  readonly server: Server;
  readonly client: Client;

  private constructor(server: Server, client: Client) {
    this.server = server;
    this.client = client;
  }

  static async begin(redis: RedisProgram, service: number): Promise<End> {
    const { server, port } = await startServer({ reverse: true });
    await server.share({ store: redis.url });
    const { client } = await startClient(port);
    await client.forwardRemote({ port: 0, label: 'web', target: `127.0.0.1:${service}`, keepTrying: true });
    return new End(server, client);
  }

  get state(): string {
    return this.client.status().listeners[0]?.state ?? 'none';
  }

  untilState(state: string): Promise<void> {
    return until(`it is ${state}`, () => this.state === state);
  }

  get port(): number {
    return Number(this.client.status().listeners[0]?.address?.split(':')[1] ?? 0);
  }

  /** What somebody says at its port comes back. */
  async expectAnswer(): Promise<void> {
    const socket = await connectTo(this.port);
    socket.end('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
  }
}

async function begin() {
  const [redis, echo] = [new RedisProgram(), await startEcho()];
  await redis.start();
  return { redis, join: () => End.begin(redis, echo.port) };
}

test('a client that comes to another server takes the name over, and gives it back when it ends', async () => {
  const { join } = await begin();
  const first = await join();
  await first.untilState('listening');
  const second = await join();
  await second.untilState('listening');
  await first.untilState('standby');
  await second.expectAnswer();
  await second.client.close();
  await first.untilState('listening');
  await first.expectAnswer();
});

test('a server that closes frees what it had for one that stands by at another', async () => {
  const { join } = await begin();
  const first = await join();
  await first.untilState('listening');
  const second = await join();
  await first.untilState('standby');
  await second.server.close();
  await first.untilState('listening');
  await first.expectAnswer();
});

test('a store that is killed, and starts again empty, ends no listener and no connection, and leaves each name to one', async () => {
  const { redis, join } = await begin();
  const first = await join();
  await first.untilState('listening');
  const second = await join();
  await first.untilState('standby');
  const socket = await connectTo(second.port);
  await redis.kill();
  const third = await join();
  await third.untilState('listening');
  await second.expectAnswer();
  await redis.start();
  const ends = [first, second, third];
  await until('one of them listens', () => {
    const states = ends.map(({ state }) => state).sort();
    return states.join(' ') === 'listening standby standby';
  });
  socket.end('still there');
  expect((await readBytes(socket, 11)).toString()).toBe('still there');
  await ends.find(({ state }) => state === 'listening')?.expectAnswer();
});

test('a host name goes with the client that takes it over, and to nobody else as long as somebody has it', async () => {
  const redis = new RedisProgram();
  await redis.start();
  const users = [TOKEN, OTHER].map((token, n) => ({
    id: `user${n}`,
    tokenSha256: createHash('sha256').update(token).digest('hex'),
  }));
  const ends = await Promise.all(
    [1, 2].map(async (n) => {
      const { server, port } = await startServer({ reverse: true, users, allowListen: ['http:*.example.org'] });
      await server.share({ store: redis.url });
      const { port: web } = await server.listenReverseHttp({ port: 0 });
      const service = createServer((_, response) => response.end(`service ${n}`));
      service.listen(0, '127.0.0.1');
      atEnd(() => void service.close().closeAllConnections());
      await once(service, 'listening');
      const target = `127.0.0.1:${(service.address() as AddressInfo).port}`;
      const listenAs = async (token: string, label: string) => {
        const { client } = await startClient(port, { token });
        return client.forwardRemote({ name: 'app.example.org', label, target });
      };
      return { listenAs, ask: () => askWeb(web) };
    }),
  );
  const [one, other] = ends as [(typeof ends)[number], (typeof ends)[number]];
  await one.listenAs(TOKEN, 'app');
  expect(await one.ask()).toBe('service 1');
  await expect(other.listenAs(OTHER, 'app')).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  const since = performance.now();
  await other.listenAs(TOKEN, 'app');
  expect(performance.now() - since).toBeLessThan(2_500);
  expect(await other.ask()).toBe('service 2');
});

/** What the service of the name answers at a port of names. */
async function askWeb(port: number): Promise<string> {
  const asked = request({ port, host: '127.0.0.1', headers: { host: 'app.example.org' }, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return (await response.setEncoding('utf8').toArray()).join('');
}
