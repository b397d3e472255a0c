import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Channel, Greeter, Session, systemClock, WebSocketTransport } from 'wsproxy-protocol';
import { Server, type ServerOptions } from '../src/server.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: Partial<ServerOptions> = {}): Promise<{ server: Server; port: number }> {
  const server = new Server(options.users === undefined ? { token: TOKEN, ...options } : options);
  const { port } = await server.listen({ port: 0 });
  closers.push(() => server.close());
  return { server, port };
}

/** A client of a server over a real WebSocket. */
class Peer {
  readonly lost: Promise<number>;
  readonly goAways: string[] = [];
  readonly session: Session;
  readonly #greeter: Greeter;

  constructor(value = 1, grace = 60_000) {
    let onLost: (code: number) => void = () => {};
    this.lost = new Promise((resolve) => {
      onLost = resolve;
    });
    this.session = new Session({
      role: 'client',
      clock: systemClock,
      onDetached: ({ code }) => onLost(code),
      onGoAway: (kind) => this.goAways.push(kind),
      onClosed() {},
    });
    const key = { id: Buffer.alloc(16, value), secret: Buffer.alloc(32, 2) };
    this.#greeter = new Greeter(this.session, key, grace);
    closers.push(() => this.session.close('the test is over', 1000));
  }

  async connect(port: number, token = TOKEN, path = '/'): Promise<WebSocket> {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    closers.push(() => ws.terminate());
    ws.on('error', () => {});
    const upgrade = once(ws, 'upgrade');
    await once(ws, 'open');
    const [{ socket }] = await upgrade;
    await new Promise<void>((welcome) => this.#greeter.greet(new WebSocketTransport(ws, socket), welcome));
    return ws;
  }

  open(host: string, port: number): Promise<{ channel: Channel; outcome: string }> {
    return new Promise((resolve) => {
      const channel: Channel = this.session.open(
        { host, port },
        { onOpen: () => resolve({ channel, outcome: 'open' }), onFail: (code) => resolve({ channel, outcome: code }) },
      );
    });
  }
}

async function startDestination(): Promise<number> {
  const destination = createServer({ allowHalfOpen: true }, (socket) => {
    closers.push(() => socket.destroy());
    socket.on('error', () => {});
  });
  destination.listen(0, '127.0.0.1');
  closers.push(() => destination.close());
  await once(destination, 'listening');
  return (destination.address() as AddressInfo).port;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a server', () => {
  test('serves whoever has the token, on its path', async () => {
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
    expect(() => new Server({ token: 'short' })).toThrow(/32 or more/);
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
    const second = new Server({ token: TOKEN });
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

  test('answers 429 to a user whose sessions have their number twice, and 101 to others', async () => {
    const { port } = await start({ users: [{ ...alice, limits: { sessions: 1 } }, bob] });
    await new Peer(1).connect(port, TOKEN);
    const late = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    closers.push(() => late.terminate());
    await once(late, 'open');
    expect([await statusOf(port, TOKEN), await statusOf(port, OTHER)]).toEqual([429, 101]);
  });

  test('is not made with both a token and users, nor with neither', () => {
    expect(() => new Server({ token: TOKEN, users: [alice] })).toThrow(TypeError);
    expect(() => new Server({})).toThrow(TypeError);
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
    expect(await server.drain(60_000)).toBe(0);
    await until(() => peer.goAways.length > 0);
    expect(peer.goAways).toEqual(['drain']);
  });

  test('waits for those there are, and refuses new ones', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port);
    const { channel } = await peer.open('127.0.0.1', destination);
    const drained = server.drain(60_000);
    await until(() => peer.goAways.length > 0);
    expect((await peer.open('127.0.0.1', destination)).outcome).toBe('GOING_AWAY');
    channel.reset();
    expect(await drained).toBe(0);
  });

  test('tells after its deadline how many did not finish', async () => {
    const destination = await startDestination();
    const { server, port } = await start({ allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port);
    await peer.open('127.0.0.1', destination);
    expect(await server.drain(10)).toBe(1);
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
