import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { TunnelSocket } from 'wsproxy-client';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { startClient, startServer, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** The one user of a server with a token alone. */
const USER = 'default';

/** Sends back what comes, and ends when the caller does. */
const echo = (socket: TunnelSocket): void => void socket.on('error', () => {}).pipe(socket);

const codeOf = (opening: Promise<unknown>): Promise<unknown> =>
  opening.then(
    () => 'open',
    (error: { code?: unknown }) => error.code,
  );

/** What comes back of `bytes` that were written. */
async function exchange(stream: Duplex, bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.end(bytes);
  await once(stream, 'end');
  return Buffer.concat(parts);
}

describe('a program at the server calls one at the client', () => {
  test('by the name of a service, and each sees a socket', async () => {
    const { server, client } = await startTunnel();
    const seen: TunnelSocket[] = [];
    client.onIncoming('news', (socket) => {
      seen.push(socket);
      socket.end('hello');
    });
    const stream = await server.open(USER, 'news');
    expect(await text(stream)).toBe('hello');
    const [socket] = seen;
    expect([socket?.remoteAddress, socket?.localAddress, socket?.address()]).toEqual([undefined, undefined, {}]);
  });

  test('and 5 MB go each way, over connections that are cut meanwhile', async () => {
    const { server, client, relay } = await startRelayedTunnel();
    client.onIncoming('echo', echo, { allowHalfOpen: true });
    const stream = await server.open(USER, 'echo', { allowHalfOpen: true });
    const bytes = Buffer.from(pattern(1, 0, 5_000_000));
    let moved = 0;
    stream.on('data', (part: Buffer) => {
      const before = moved;
      moved += part.length;
      if (Math.floor(before / 1_000_000) < Math.floor(moved / 1_000_000)) relay.cut('reset');
    });
    expect((await exchange(stream, bytes)).equals(bytes)).toBe(true);
  });

  test('who reads nothing makes the other wait, and no more', async () => {
    const { server, client } = await startTunnel();
    const sockets: TunnelSocket[] = [];
    client.onIncoming('slow', (socket) => void sockets.push(socket.on('error', () => {})));
    const stream = await server.open(USER, 'slow');
    while (stream.write(Buffer.alloc(65_536))) await new Promise(setImmediate);
    expect(stream.writableNeedDrain).toBe(true);
    const drained = once(stream, 'drain');
    sockets[0]?.resume();
    await drained;
    stream.destroy();
    await until('the other sees it', () => sockets[0]?.destroyed === true);
  });

  test('a reset is an error at the other end, either way', async () => {
    const { server, client } = await startTunnel();
    const codes: unknown[] = [];
    client.onIncoming('reset me', (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code)).resume();
    });
    client.onIncoming('reset you', (socket) => void socket.on('error', () => {}).resetAndDestroy());
    const first = await server.open(USER, 'reset me');
    first.on('error', () => {}).destroy(new Error('enough'));
    await until('it is told', () => codes.length === 1);
    const second = await server.open(USER, 'reset you');
    second.resume();
    const [error] = (await once(second, 'error')) as [{ code: string }];
    expect([codes, error.code]).toEqual([['ECONNABORTED'], 'CONNECTION_RESET']);
  });

  test('every client of the user, in every session, takes calls, the newest first', async () => {
    const { server, port } = await startServer();
    const taken: string[] = [];
    const take = (name: string) => (socket: TunnelSocket) => {
      taken.push(name);
      socket.on('error', () => {}).end();
    };
    const old = await startClient(port, { connections: 3 });
    await until('all its sessions', () => server.sessionCount === 3);
    const young = await startClient(port);
    old.client.onIncoming('both', take('old'));
    old.client.onIncoming('one', take('old'));
    young.client.onIncoming('both', take('young'));
    for (const service of ['both', 'one', 'one']) (await server.open(USER, service)).resume();
    expect(taken).toEqual(['young', 'old', 'old']);
  });

  test('that renews its connection takes them still', async () => {
    const { server, client } = await startTunnel();
    client.onIncoming('echo', echo, { allowHalfOpen: true });
    client.renew();
    const stream = await server.open(USER, 'echo', { allowHalfOpen: true });
    expect(String(await exchange(stream, Buffer.from('hello')))).toBe('hello');
  });
});

describe('nobody is called', () => {
  test('by another name, without a client, and once the service is gone', async () => {
    const { server, client } = await startTunnel();
    const unregister = client.onIncoming('news', (socket) => socket.end());
    expect(await codeOf(server.open(USER, 'old'))).toBe('DENIED');
    expect(await codeOf(server.open('nobody', 'news'))).toBe('NOT_CONNECTED');
    unregister();
    expect(await codeOf(server.open(USER, 'news'))).toBe('DENIED');
    await client.close();
    await until('it is gone', () => server.sessionCount === 0);
    expect(await codeOf(server.open(USER, 'news'))).toBe('NOT_CONNECTED');
    await server.close();
    expect(await codeOf(server.open(USER, 'news'))).toBe('SERVER_CLOSED');
  });

  test('while the client is away: the call waits, and is made when it is back', async () => {
    const { server, client, relay } = await startRelayedTunnel();
    client.onIncoming('echo', echo, { allowHalfOpen: true });
    await relay.stop();
    await until('it is away', () => server.sessions().every(({ attached }) => !attached));
    const opening = server.open(USER, 'echo', { allowHalfOpen: true });
    await relay.start();
    expect(String(await exchange(await opening, Buffer.from('back')))).toBe('back');
  });
});

test('options that are none are refused in one line', async () => {
  const { client } = await startTunnel();
  expect(() => client.onIncoming('news', () => {}, { halfOpen: true } as object)).toThrow(/halfOpen.*no such option/);
});
