import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerOptions } from '../src/options/server-options.js';
import { createServer, type Server } from '../src/server.js';
import { closeWith, Peer, startDestination, TOKEN, until } from './peer.js';

async function start(options: Partial<ServerOptions> = {}): Promise<{ server: Server; port: number }> {
  const server = createServer(options.users === undefined ? { token: TOKEN, ...options } : options);
  const { port } = await server.listen({ port: 0 });
  closeWith(() => server.close());
  return { server, port };
}

describe('a server', () => {
  test('serves anyone who has the token, on its path', async () => {
    const { server, port } = await start({ path: '/tunnel' });
    await new Peer().connect(port, TOKEN, '/tunnel');
    expect([server.sessionCount, server.channelCount]).toEqual([1, 0]);
  });

  test('has no session for anybody else', async () => {
    const { server, port } = await start();
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
      headers: { authorization: 'Bearer wrong' },
    });
    ws.on('error', () => {});
    const [, response] = await once(ws, 'unexpected-response');
    expect([response.statusCode, server.sessionCount]).toEqual([401, 0]);
    ws.terminate();
  });

  test('does not take a token that is too short to be safe', () => {
    expect(() => createServer({ token: 'short' })).toThrow(/32 or more/);
  });

  test('dials local destinations only when that is allowed', async () => {
    const destination = await startDestination();
    for (const allowPrivate of [true, false]) {
      const { port } = await start({ allowPrivate });
      const peer = new Peer();
      await peer.connect(port);
      const { outcome } = await peer.open('127.0.0.1', destination);
      expect(outcome).toBe(allowPrivate ? 'open' : 'DENIED');
    }
  });

  test('says why it cannot listen', async () => {
    const { port } = await start();
    const second = createServer({ token: TOKEN });
    await expect(second.listen({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('a server with several users', () => {
  const OTHER = 'another-token-for-tests-0123456789-0123456789';
  const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
  const alice = { id: 'alice', tokenSha256: sha256(TOKEN) };
  const bob = { id: 'bob', tokenSha256: sha256(OTHER) };

  async function statusOf(port: number, token: string): Promise<number> {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${token}` },
    });
    ws.on('error', () => {});
    const statusCode = await new Promise<number>((resolve) => {
      ws.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      ws.once('upgrade', (response) => resolve(response.statusCode ?? 0));
    });
    ws.terminate();
    return statusCode;
  }

  test('ends the sessions of the one who is removed, tells so, and lets the other go on', async () => {
    const { server, port } = await start({ users: [alice, bob] });
    const [first, second] = [new Peer(1), new Peer(2)];
    await first.connect(port, TOKEN);
    await second.connect(port, OTHER);
    server.setUsers([bob]);
    expect([server.sessionCount, await first.lost]).toEqual([1, 4001]);
    expect(second.session.attached).toBe(true);
    expect([await statusOf(port, TOKEN), await statusOf(port, OTHER)]).toEqual([401, 101]);
  });

  test('keeps those it has when the new ones cannot be used', async () => {
    const { server, port } = await start({ users: [alice] });
    expect(() => server.setUsers([bob, bob])).toThrow(/"bob" is there twice/);
    expect([await statusOf(port, TOKEN), await statusOf(port, OTHER)]).toEqual([101, 401]);
  });

  test('answers 429 to a user who has a transport by each way beside the sessions allowed, and 101 to others', async () => {
    const { port } = await start({ users: [{ ...alice, limits: { sessions: 1 } }, bob] });
    await new Peer(1).connect(port, TOKEN);
    for (let way = 0; way < 4; way += 1) {
      const late = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      closeWith(() => late.terminate());
      await once(late, 'open');
    }
    expect([await statusOf(port, TOKEN), await statusOf(port, OTHER)]).toEqual([429, 101]);
  });

  test('is not made with both a token and users, nor with neither', () => {
    expect(() => createServer({ token: TOKEN, users: [alice] })).toThrow(TypeError);
    expect(() => createServer({})).toThrow(TypeError);
  });
});

describe('a server keeps a session whose connection is lost', () => {
  test('for as long as its own grace, and no longer', async () => {
    const { server, port } = await start({ grace: 100 });
    const ws = await new Peer().connect(port);
    ws.terminate();
    const start_ = performance.now();
    await until(() => server.sessionCount === 0);
    expect(performance.now() - start_).toBeGreaterThan(50);
  });

  test('so that it can be resumed with its channels', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    (await peer.connect(port)).terminate();
    await peer.lost;
    await peer.connect(port);
    const { outcome } = await peer.open('127.0.0.1', destination);
    expect([outcome, server.sessionCount, server.channelCount]).toEqual(['open', 1, 1]);
  });
});

describe('a server that drains', () => {
  test('is done at once without channels', async () => {
    const { server, port } = await start();
    const peer = new Peer();
    await peer.connect(port);
    expect(await server.close({ drain: 60_000 })).toBe(0);
    await until(() => peer.goAways.length > 0);
    expect(peer.goAways).toEqual(['drain']);
  });

  test('waits for those there are, and takes new ones of the one who has nowhere to go', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port);
    const { channel } = await peer.open('127.0.0.1', destination);
    const drained = server.close({ drain: 60_000 });
    await until(() => peer.goAways.length > 0);
    const other = await peer.open('127.0.0.1', destination);
    expect(other.outcome).toBe('open');
    for (const each of [channel, other.channel]) each.reset();
    expect(await drained).toBe(0);
  });

  test('takes no new ones in its last second', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port);
    const { channel } = await peer.open('127.0.0.1', destination);
    const drained = server.close({ drain: 1_000 });
    let outcome = 'open';
    while (outcome === 'open') ({ outcome } = await peer.open('127.0.0.1', destination));
    expect(outcome).toBe('GOING_AWAY');
    channel.reset();
    await drained;
  });

  test('tells after its deadline how many did not finish', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port);
    await peer.open('127.0.0.1', destination);
    expect(await server.close({ drain: 10 })).toBe(1);
  });
});

test('a server that is closed tells its clients, and has nothing left', async () => {
  const { server, port } = await start();
  const peer = new Peer();
  const ws = await peer.connect(port);
  const closed = once(ws, 'close');
  await server.close();
  expect((await closed)[0]).toBe(1000);
  expect([server.sessionCount, peer.session.closed]).toEqual([0, true]);
});

test('a server that is closed listens no more', async () => {
  const { server } = await start();
  await server.close();
  await expect(server.listen({ port: 0 })).rejects.toMatchObject({ code: 'SERVER_CLOSED' });
});

test('a server that drains waits no longer when it is closed again', async () => {
  const destination = await startDestination();
  const { server, port } = await start({ allowPrivate: true });
  const peer = new Peer();
  await peer.connect(port);
  await peer.open('127.0.0.1', destination);
  const drained = server.close({ drain: 60_000 });
  expect(await server.close({ drain: 60_000 })).toBe(1);
  await drained;
  expect(server.sessionCount).toBe(0);
});

test('a server is closed at the end of its block', async () => {
  const { server, port } = await start();
  const peer = new Peer();
  await peer.connect(port);
  await server[Symbol.asyncDispose]();
  await until(() => peer.session.closed);
  expect([server.sessionCount, server.isReady]).toEqual([0, false]);
});
