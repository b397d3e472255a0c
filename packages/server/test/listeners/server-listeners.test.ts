import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Peer as Address, Arrival, ListenRequest, OfferedChannel, RemoteListener } from 'wsproxy-engine';
import { createAdmin } from '../../src/admin/admin.js';
import type { AuthorizeListenRequest } from '../../src/listeners/listen-rights.js';
import type { ArrivalRecord, ListenerRecord } from '../../src/observe/observer.js';
import type { ServerOptions } from '../../src/options/server-options.js';
import { createServer } from '../../src/server.js';
import type { UserEntry } from '../../src/users/directory.js';
import { closeWith, Peer, TOKEN, until } from '../peer.js';

/** A server that listens, and a client of it over a real WebSocket. */
async function start(options: Partial<ServerOptions> = {}) {
  const [listeners, arrivals]: [ListenerRecord[], ArrivalRecord[]] = [[], []];
  const server = createServer({
    ...(options.users === undefined && options.authenticate === undefined && { token: TOKEN }),
    reverse: true,
    observer: { onListenerOver: (record) => listeners.push(record), onArrivalOver: (record) => arrivals.push(record) },
    ...options,
  });
  const { port } = await server.listen({ port: 0 });
  closeWith(() => server.close());
  const peer = new Peer();
  const ws = await peer.connect(port);
  return { server, port, peer, ws, listeners, arrivals };
}

/** What a client is told of one remote listener; anything that comes is taken, and sent back in capitals. */
class Listening {
  readonly told: string[] = [];
  address: Address | undefined;
  readonly arrivals: Arrival[] = [];
  readonly listener: RemoteListener;

  constructor({ session }: Peer, request: Partial<ListenRequest>) {
    this.listener = session.listen(
      { kind: 'tcp', bind: '', port: 0, backlog: 0, name: 'web', takesOver: true, anyPort: false, ...request },
      {
        onListening: (address) => {
          this.address = address;
          this.told.push('listening');
        },
        onFail: (code) => this.told.push(`fail ${code}`),
        onOver: (code) => this.told.push(`over ${code}`),
        onChannel: (channel, arrival) => this.#serve(channel, arrival),
        onFlow: (flow) => flow.refuse('DENIED'),
      },
    );
  }

  /** The first that the client is told. */
  async outcome(): Promise<string> {
    await until(() => this.told.length > 0);
    return this.told[0] ?? '';
  }

  #serve(channel: OfferedChannel, arrival: Arrival): void {
    this.arrivals.push(arrival);
    channel.accept();
    channel.start({
      onData(bytes) {
        channel.consumed(bytes.length);
        channel.write(Buffer.from(Buffer.from(bytes).toString().toUpperCase()));
      },
      onEnd: () => channel.end(),
      onWritable() {},
      onReset() {},
    });
  }
}

async function outcomeOf(peer: Peer, request: Partial<ListenRequest>): Promise<string> {
  return new Listening(peer, request).outcome();
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  closeWith(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

const tokenSha256 = createHash('sha256').update(TOKEN).digest('hex');
const alice = (listen?: readonly string[]): UserEntry[] => [{ id: 'alice', tokenSha256, ...(listen && { listen }) }];

describe('a server', () => {
  test('listens for nobody unless it is told so', async () => {
    const { peer } = await start({ reverse: false, allowListen: ['*:1024-65535'] });
    expect(await outcomeOf(peer, {})).toBe('fail UNSUPPORTED');
  });

  test('listens on loopback, and shows who comes', async () => {
    const { server, peer, listeners, arrivals } = await start();
    const web = new Listening(peer, {});
    expect(await web.outcome()).toBe('listening');
    const { host, port = 0 } = web.address ?? {};
    expect([host, port >= 1_024]).toEqual(['127.0.0.1', true]);
    const socket = await dial(port);
    expect(await say(socket, 'hello')).toBe('HELLO');
    const listener = `127.0.0.1:${port}`;
    const from = `127.0.0.1:${socket.localPort}`;
    const [session] = server.sessions();
    expect(session?.listeners).toEqual([
      { listener, name: 'web', open: true, ageMs: expect.any(Number), waiting: 0, arrivals: 1 },
    ]);
    expect([session?.channels, session?.arrivals]).toEqual([
      [],
      [{ listener, peer: from, open: true, ageMs: expect.any(Number), bytesUp: 5, bytesDown: 5, windowStalls: 0 }],
    ]);
    expect(web.arrivals[0]?.peer).toEqual({ host: '127.0.0.1', port: socket.localPort });
    socket.end();
    await until(() => arrivals.length === 1);
    expect(arrivals).toMatchObject([
      {
        user: 'default',
        session: session?.id,
        listener,
        peer: from,
        answered: true,
        outcome: 'ok',
        bytesUp: 5,
        bytesDown: 5,
      },
    ]);
    expect(server.sessions()[0]?.arrivals).toEqual([]);
    web.listener.close();
    await until(() => listeners.length === 1);
    expect(listeners).toMatchObject([
      { user: 'default', listener, name: 'web', refused: false, outcome: 'ok', arrivals: 1 },
    ]);
    expect(server.sessions()[0]?.listeners).toEqual([]);
  });

  test.each<[string, Partial<ListenRequest>]>([
    ['on a port of the system', { port: 443 }],
    ['on all addresses', { bind: '0.0.0.0', port: 0 }],
    ['on all addresses of both families', { bind: '*', port: 0 }],
    ['on all addresses, spelt in another way', { bind: '::ffff:0.0.0.0', port: 0 }],
    ['on another address of loopback', { bind: '127.0.0.2', port: 0 }],
    ['on a Unix socket', { kind: 'unix', bind: join(tmpdir(), 'app'), port: 0 }],
  ])('does not listen %s unless a rule says so', async (_what, request) => {
    const { peer, listeners } = await start();
    expect(await outcomeOf(peer, request)).toBe('fail DENIED');
    expect(listeners).toMatchObject([{ refused: true, outcome: 'DENIED' }]);
  });

  test('Q2 gives away nothing that it listens on itself, nor what listens beside it', async () => {
    const { server, port, peer } = await start({ allowListen: ['*:1024-65535'] });
    const admin = await createAdmin(server);
    closeWith(() => admin.close());
    const address = await admin.listen({ port: 0 });
    for (const own of [port, address?.port ?? 0]) {
      for (const bind of ['', '0.0.0.0', '*', '127.0.0.2'])
        expect(await outcomeOf(peer, { bind, port: own, name: `${bind} ${own}` })).toBe('fail DENIED');
    }
  });

  test.each([
    ['a proxy', 'tcp', { upstream: 'http://127.0.0.1:31280' }],
    ['a proxy by name', 'tcp', { upstream: 'socks5://localhost:31280' }],
    ['a nameserver', 'udp', { nameservers: ['192.0.2.53', '[::1]:31280'] }],
  ] as const)('Q2 gives away no port where it asks %s of this host, running or not', async (_what, kind, egress) => {
    const { peer } = await start({ allowListen: ['*:1024-65535'], egress });
    for (const bind of ['', '*', '::1'])
      expect(await outcomeOf(peer, { kind, bind, port: 31_280, name: bind })).toBe('fail DENIED');
    expect(await outcomeOf(peer, { kind, port: 0, name: 'another' })).toMatch(/^listening/);
  });

  test.each(['example.org', '127.1', '0x7f000001', 'LOCALHOST', '[::1]', 'fe80::1%lo', '127.0.0.1 '])(
    'Q1 takes %j for no address',
    async (bind) => {
      const { peer } = await start({ allowListen: ['*:1024-65535'] });
      expect(await outcomeOf(peer, { bind })).toBe('fail BAD_TARGET');
    },
  );

  test('Q3 listens on a Unix socket where a rule says so, and nowhere that a link leads to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsproxy-listen-'));
    closeWith(() => rmSync(folder, { recursive: true }));
    const { peer } = await start({ allowListen: [`unix:${folder}/*.sock`] });
    const path = join(folder, 'app.sock');
    expect(await outcomeOf(peer, { kind: 'unix', bind: path, port: 0 })).toBe('listening');
    for (const bind of [
      `${folder}/app`,
      `${folder}/../app.sock`,
      `${folder}//app.sock`,
      `/proc/self/cwd/app.sock`,
      `${path}.lock`,
    ])
      expect(await outcomeOf(peer, { kind: 'unix', bind, port: 0, name: bind })).toMatch(/^fail (DENIED|BAD_TARGET)$/);
  });
});

describe('a client', () => {
  test('Q4 that asks for a thousand has as many as its user may, and fills no log', async () => {
    const lines: string[] = [];
    const info = (_fields: object, message: string): number => lines.push(message);
    const logger = { debug() {}, info, warn: info, error: info };
    const { server, peer } = await start({ limits: { listenersPerUser: 8 }, logger });
    const asked = Array.from({ length: 1_000 }, (_, i) => new Listening(peer, { name: `${i}` }));
    const outcomes = await Promise.all(asked.map((each) => each.outcome()));
    expect(outcomes.filter((outcome) => outcome === 'listening')).toHaveLength(8);
    expect(new Set(outcomes)).toEqual(new Set(['listening', 'fail LIMIT_REACHED']));
    expect(server.sessions()[0]?.listeners).toHaveLength(8);
    expect(lines.filter((line) => line.startsWith('remote listener')).length).toBeLessThan(200);
    for (const each of asked) each.listener.close();
    await until(() => server.sessions()[0]?.listeners.length === 0);
    expect(await outcomeOf(peer, { name: 'one more' })).toBe('listening');
  });

  test('Q5 never gets what another user has, by its address or by its name', async () => {
    const other = 'another-token-for-tests-0123456789-0123456789';
    const bob = { id: 'bob', tokenSha256: createHash('sha256').update(other).digest('hex') };
    const { port, peer } = await start({ users: [...alice(), bob] });
    const web = new Listening(peer, {});
    await web.outcome();
    const taken = web.address?.port ?? 0;
    const stranger = new Peer(2);
    await stranger.connect(port, other);
    for (const takesOver of [true, false])
      expect(await outcomeOf(stranger, { port: taken, takesOver })).toBe('fail ADDRESS_IN_USE');
    const theirs = new Listening(stranger, { port: taken, anyPort: true });
    expect(await theirs.outcome()).toBe('listening');
    expect(theirs.address?.port).not.toBe(taken);
    expect(await say(await dial(taken), 'hers')).toBe('HERS');
    expect([web.told, theirs.arrivals]).toEqual([['listening'], []]);
  });
});

describe('the rules of a user', () => {
  test('count in place of those of the server', async () => {
    const { peer } = await start({ users: alice(['127.0.0.2:1024-65535']), allowListen: ['127.0.0.1:1024-65535'] });
    expect(await outcomeOf(peer, { bind: '127.0.0.2', name: 'one' })).toBe('listening');
    expect(await outcomeOf(peer, { bind: '127.0.0.1', name: 'two' })).toBe('fail DENIED');
  });

  test('close what they no longer hold, and what has come in goes on', async () => {
    const { server, peer, listeners } = await start({ users: alice() });
    const [web, other] = [new Listening(peer, {}), new Listening(peer, { name: 'other' })];
    expect([await web.outcome(), await other.outcome()]).toEqual(['listening', 'listening']);
    const [port, kept] = [web.address?.port ?? 0, other.address?.port ?? 0];
    const socket = await dial(port);
    expect(await say(socket, 'before')).toBe('BEFORE');
    server.setUsers(alice([`127.0.0.1:${kept}`]));
    await until(() => web.told.length === 2);
    expect([web.told, other.told]).toEqual([['listening', 'over DENIED'], ['listening']]);
    await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await say(socket, 'after')).toBe('AFTER');
    expect(await say(await dial(kept), 'still')).toBe('STILL');
    expect(listeners).toMatchObject([{ name: 'web', refused: false, outcome: 'DENIED', arrivals: 1 }]);
    server.setUsers(alice());
    expect(await outcomeOf(peer, { port })).toBe('listening');
  });

  test('of an embedding program count as of the newest WebSocket', async () => {
    let listen = ['127.0.0.1:1024-65535'];
    const { port, peer, ws } = await start({ authenticate: () => ({ id: 'alice', listen }) });
    const web = new Listening(peer, {});
    expect(await web.outcome()).toBe('listening');
    listen = [];
    ws.terminate();
    await peer.lost;
    await peer.connect(port);
    await until(() => web.told.length === 2);
    expect(web.told).toEqual(['listening', 'over DENIED']);
  });
});

describe('authorizeListen', () => {
  test('has the last word, about each listener that the rules allow', async () => {
    const asked: AuthorizeListenRequest[] = [];
    const { peer } = await start({
      users: alice(),
      authorizeListen: (request) => {
        asked.push(request);
        return Promise.resolve(request.name === 'web');
      },
    });
    expect(await outcomeOf(peer, { bind: '::1', port: 80 })).toBe('fail DENIED');
    expect(await outcomeOf(peer, { bind: 'localhost' })).toBe('listening');
    expect(await outcomeOf(peer, { name: 'db' })).toBe('fail DENIED');
    const place = { kind: 'tcp', host: '127.0.0.1', port: 0 };
    expect(asked).toMatchObject([
      { user: { id: 'alice' }, ...place, name: 'web' },
      { user: { id: 'alice' }, ...place, name: 'db' },
    ]);
  });
});

test('who comes while the client is away waits, and is shown', async () => {
  const { server, port: own, peer, ws, arrivals } = await start();
  const web = new Listening(peer, {});
  await web.outcome();
  const port = web.address?.port ?? 0;
  ws.terminate();
  await until(() => server.sessions()[0]?.attached === false);
  const socket = await dial(port);
  const answer = say(socket, 'hello');
  await until(() => server.sessions()[0]?.listeners[0]?.waiting === 1);
  const admin = await createAdmin(server);
  closeWith(() => admin.close());
  const pages = await admin.listen({ port: 0 });
  const metrics = await (await fetch(`http://127.0.0.1:${pages?.port}/metrics`)).text();
  expect(metrics).toContain('\nwsproxy_listeners{user="default"} 1\n');
  expect(metrics).toContain('\nwsproxy_arrivals_waiting{user="default"} 1\n');
  await peer.connect(own);
  expect(await answer).toBe('HELLO');
  await until(() => server.sessions()[0]?.listeners[0]?.waiting === 0);
  socket.destroy();
  await until(() => arrivals.length === 1);
  expect(arrivals).toMatchObject([{ answered: true }]);
});
