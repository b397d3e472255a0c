import { expect, test } from 'vitest';
import type { Client } from 'wsproxy-client';
import type { Server } from 'wsproxy-server';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('redis-server');

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
