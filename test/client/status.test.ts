import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { ChannelChange } from 'wsproxy-client';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import {
  askConnect,
  askPlain,
  askSocks4a,
  askSocks5,
  bySocks5,
  connectTo,
  readBytes,
  readToEnd,
} from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

async function echoed(socket: Socket, bytes: number): Promise<void> {
  socket.write(Buffer.alloc(bytes));
  await readBytes(socket, bytes);
}

test('the status agrees with the traffic, while it runs and after it', async () => {
  const [{ client, port, url }, echo, source] = await Promise.all([
    startTunnel(),
    startEcho(),
    startSource('status', 1_000_000),
  ]);
  expect(client.status()).toMatchObject({ state: 'online', server: url, bytesUp: 0, bytesDown: 0, channels: [] });

  const talking = await bySocks5(port, '127.0.0.1', echo.port);
  await echoed(talking, 70_000);
  const download = await bySocks5(port, '127.0.0.1', source.port);
  await readToEnd(download);
  download.end();
  await until('the download is over', () => client.status().channels.length === 1);
  const { roundTripMs, ...status } = client.status();
  expect(status).toMatchObject({
    bytesUp: 70_000,
    bytesDown: 1_070_000,
    resumes: 0,
    stranded: 0,
    channels: [{ id: 1, target: `127.0.0.1:${echo.port}`, open: true, bytesUp: 70_000, bytesDown: 70_000 }],
  });
  expect(roundTripMs).toBeGreaterThan(0);
  talking.destroy();
});

test('a channel is shown with what the application speaks', async () => {
  const { client, port } = await startTunnel();
  const changes: ChannelChange[] = [];
  client.on('channel', (change) => changes.push(change));
  const target = `127.0.0.1:${await freePort()}`;
  const forwarded = await client.forward({ port: 0, target });
  const to = ['127.0.0.1', Number(target.split(':')[1])] as const;
  const ways: readonly [kind: string, ask: () => Promise<unknown>][] = [
    ['socks5', () => askSocks5(port, ...to)],
    ['socks4', () => askSocks4a(port, ...to)],
    ['connect', () => askConnect(port, ...to)],
    ['http', () => askPlain(port, ...to)],
    ['forward', async () => readToEnd(await connectTo(forwarded.address.port))],
    ['stdio', () => client.pipe(target, new PassThrough(), new PassThrough()).catch(() => {})],
    ['library', () => client.connect(target).catch(() => {})],
  ];
  for (const [kind, ask] of ways) {
    changes.length = 0;
    await ask();
    expect(changes, kind).toMatchObject([{ change: 'over', kind, target, failure: 'CONNECTION_REFUSED' }]);
  }
});

test('a request that a local port refuses is told with its reason', async () => {
  const { client, port } = await startTunnel();
  const refused: unknown[] = [];
  client.on('refused', (one) => refused.push(one));
  const socket = await connectTo(port);
  socket.write(Buffer.from([0, 3, 1, 0]));
  await readToEnd(socket);
  expect(refused).toEqual([{ reason: 'unknown protocol' }]);
});

test('events tell state, resumes and channels', async () => {
  const [{ client, relay, port, url }, echo, nobody] = await Promise.all([
    startRelayedTunnel(),
    startEcho(),
    freePort(),
  ]);
  const states: string[] = [];
  const resumed: string[] = [];
  const changes: ChannelChange[] = [];
  client.on('state', (state, previous) => states.push(`${previous} -> ${state}`));
  const retries: unknown[] = [];
  client.on('retry', (retry) => retries.push(retry));
  client.on('resumed', ({ server }) => resumed.push(server));
  client.on('channel', (change) => changes.push(change));

  const socket = await bySocks5(port, '127.0.0.1', echo.port);
  relay.cut('reset');
  await echoed(socket, 10);
  expect(states).toEqual(['online -> waiting', 'waiting -> connecting', 'connecting -> online']);
  expect([resumed, client.status().resumes]).toEqual([[url], 1]);
  expect(retries).toEqual([
    { server: url, reason: expect.stringMatching(/\(1006\)$/), retryInMs: expect.any(Number), wasConnected: true },
  ]);

  socket.end();
  const [reply, refused] = await askSocks5(port, '127.0.0.1', nobody);
  expect(reply).toBe(5);
  refused.destroy();
  await until('both channels are over', () => changes.filter(({ change }) => change === 'over').length === 2);
  const summary = changes.map(({ id, change, failure, bytesDown }) => [id, change, failure, bytesDown]);
  expect(summary.sort()).toEqual([
    [1, 'open', undefined, 0],
    [1, 'over', undefined, 10],
    [2, 'over', 'CONNECTION_REFUSED', 0],
  ]);
  socket.destroy();
});
