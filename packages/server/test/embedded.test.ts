import { once } from 'node:events';
import { createServer as createHttpServer, get, type Server as HttpServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ChannelRecord } from '../src/observe/observer.js';
import type { Dialer } from '../src/options/hooks.js';
import type { ServerOptions } from '../src/options/server-options.js';
import { createServer } from '../src/server.js';
import type { User } from '../src/users/user.js';
import { closeWith, Peer, startDestination, TOKEN, until } from './peer.js';

/** An HTTP server of somebody else that hands over what asks for `/tunnel`. */
async function startEmbedded<U extends User>(options: ServerOptions<U>) {
  const server = createServer(options);
  const http: HttpServer = createHttpServer((_, response) => response.end('a page'));
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/tunnel') server.handleUpgrade(request, socket, head);
    else socket.destroy();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  closeWith(async () => {
    await server.close();
    const closed = once(http, 'close');
    http.close();
    await closed;
  });
  return { server, http, port: (http.address() as AddressInfo).port };
}

function statusOf(port: number, authorization: string | undefined): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/tunnel`, ['wsproxy.v1'], { headers });
  ws.on('error', () => {});
  closeWith(() => ws.terminate());
  return new Promise((resolve) => {
    ws.once('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
    ws.once('open', () => resolve(101));
  });
}

async function headOf(port: number, authorization: string): Promise<IncomingHttpHeaders> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/tunnel`, ['wsproxy.v1'], { headers: { authorization } });
  ws.on('error', () => {});
  closeWith(() => ws.terminate());
  return new Promise((resolve) => {
    ws.once('unexpected-response', (_request, { headers }) => resolve(headers));
    ws.once('upgrade', ({ headers }) => resolve(headers));
  });
}

describe('a server inside an HTTP server', () => {
  test('serves upgrades that it is handed, beside the pages of its host', async () => {
    const { server, port } = await startEmbedded({ token: TOKEN });
    expect(server.isReady).toBe(false);
    const peer = new Peer();
    await peer.connect(port, TOKEN, '/tunnel');
    expect([server.sessionCount, server.isReady, peer.session.attached]).toEqual([1, true, true]);
    const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test('tells anyone who came in where its sessions live, and nobody else', async () => {
    const { server, port } = await startEmbedded({ token: TOKEN, node: 'ams-1' });
    expect(server.route).toMatch(/^ams-1\.[0-9a-f]{12}$/);
    const heads = await Promise.all(
      [`Bearer ${TOKEN}`, `Bearer ${TOKEN}x`, ''].map((authorization) => headOf(port, authorization)),
    );
    expect(heads.map((head) => head['wsproxy-route'])).toEqual([server.route, undefined, undefined]);
    const other = createServer({ token: TOKEN, node: 'ams-1' });
    closeWith(() => other.close());
    expect(other.route).not.toBe(server.route);
  });

  test('answers strangers itself', async () => {
    const { port } = await startEmbedded({ token: TOKEN });
    expect([await statusOf(port, `Bearer ${TOKEN}x`), await statusOf(port, undefined)]).toEqual([401, 401]);
  });

  test('leads no tunnel to its host, even where private destinations are allowed', async () => {
    const { port } = await startEmbedded({ token: TOKEN, allowPrivate: true });
    const peer = new Peer();
    await peer.connect(port, TOKEN, '/tunnel');
    expect((await peer.open('127.0.0.1', port)).outcome).toBe('DENIED');
    expect((await peer.open('127.0.0.1', await startDestination())).outcome).toBe('open');
  });

  test('is closed without its host, when the last of its connections has gone', async () => {
    const { server, http, port } = await startEmbedded({ token: TOKEN });
    const ws = await new Peer().connect(port, TOKEN, '/tunnel');
    const closed = once(ws, 'close');
    expect(await server.close()).toBe(0);
    expect((await closed)[0]).toBe(1000);
    expect([http.listening, server.isReady]).toEqual([true, false]);
    await expect(new Peer().connect(port, TOKEN, '/tunnel')).rejects.toThrow(/hang up/);
  });

  test('is closed while somebody is being authenticated, who is cut off', async () => {
    let asked: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const authenticate = () => {
      asked();
      return new Promise<undefined>(() => {});
    };
    const { server, port } = await startEmbedded({ authenticate });
    const connected = new Peer().connect(port, TOKEN, '/tunnel');
    const failed = expect(connected).rejects.toThrow(/hang up/);
    await isAsked;
    await server.close();
    await failed;
  });

  test('has as many places for those who wait as it has by itself', async () => {
    const limits = { unauthenticated: 1 };
    const { port } = await startEmbedded({ authenticate: () => new Promise<undefined>(() => {}), limits });
    const connections = [0, 1].map(() => new Peer().connect(port, TOKEN, '/tunnel'));
    // One of them has the place, and is asked about for longer than this test lasts.
    await expect(Promise.race(connections)).rejects.toThrow(/hang up/);
    for (const connection of connections) connection.catch(() => {});
  });
});

describe('users of the embedding program', () => {
  interface Customer extends User {
    readonly plan: string;
  }
  const customer = (id: string, plan = 'free'): Customer => ({ id, plan });
  const byHeader = ({ headers }: { headers: { authorization?: string | undefined } }) =>
    JSON.parse((headers.authorization ?? '').replace('Bearer ', '') || 'null') as Customer | undefined;

  test('are the user that is returned, and policy and dialer get them as they are', async () => {
    const asked: string[] = [];
    const { port } = await startEmbedded<Customer>({
      authenticate: byHeader,
      allowPrivate: true,
      policy: ({ user, address }) => {
        asked.push(`policy ${user.id} ${user.plan} ${address}`);
        return user.plan === 'paid';
      },
      dialer: ({ user, host, direct }) => {
        asked.push(`dialer ${user.id} ${user.plan} ${host}`);
        return direct();
      },
    });
    const destination = await startDestination();
    const [free, paid] = [new Peer(1), new Peer(2)];
    await free.connect(port, JSON.stringify(customer('alice')), '/tunnel');
    await paid.connect(port, JSON.stringify(customer('bob', 'paid')), '/tunnel');
    expect((await free.open('127.0.0.1', destination)).outcome).toBe('DENIED');
    expect((await paid.open('127.0.0.1', destination)).outcome).toBe('open');
    expect(asked).toEqual([
      'dialer alice free 127.0.0.1',
      'policy alice free 127.0.0.1',
      'dialer bob paid 127.0.0.1',
      'policy bob paid 127.0.0.1',
    ]);
  });

  test('have the rules that they came back with', async () => {
    let deny: string[] = [];
    const { port } = await startEmbedded({
      authenticate: () => ({ id: 'alice', policy: { deny } }),
      allowPrivate: true,
    });
    const destination = await startDestination();
    const peer = new Peer();
    const ws = await peer.connect(port, TOKEN, '/tunnel');
    expect((await peer.open('127.0.0.1', destination)).outcome).toBe('open');
    deny = ['127.0.0.0/8'];
    ws.terminate();
    await peer.lost;
    await peer.connect(port, TOKEN, '/tunnel');
    expect((await peer.open('127.0.0.1', destination)).outcome).toBe('DENIED');
    expect(peer.session.channelCount).toBe(1);
  });

  test.each<[string, unknown]>([
    ['without an id', {}],
    ['with an id that no log can show', { id: 'a b' }],
    ['with a rule that is none', { id: 'alice', policy: { allow: ['300.0.0.0/8'] } }],
    ['with a rule for listening that is none', { id: 'alice', listen: '127.0.0.1:8000' }],
    ['with a limit that is none', { id: 'alice', limits: { channels: 0 } }],
  ])('%s do not come in, and the log tells why', async (_what, user) => {
    const errors: object[] = [];
    const silent = () => {};
    const logger = { debug: silent, info: silent, warn: silent, error: (fields: object) => errors.push(fields) };
    const { port } = await startEmbedded({ authenticate: () => user as User, logger });
    expect(await statusOf(port, undefined)).toBe(503);
    expect(errors).toMatchObject([{ err: { code: 'INVALID_OPTION', option: 'authenticate' } }]);
  });

  test('who are disabled do not come in', async () => {
    const { port } = await startEmbedded({ authenticate: async () => ({ id: 'alice', disabled: true }) });
    expect(await statusOf(port, undefined)).toBe(401);
  });

  test('lose their sessions when that is asked for, and nobody else does', async () => {
    const { server, port } = await startEmbedded({ authenticate: byHeader });
    const [alice, bob] = [new Peer(1), new Peer(2)];
    await alice.connect(port, JSON.stringify(customer('alice')), '/tunnel');
    await bob.connect(port, JSON.stringify(customer('bob')), '/tunnel');
    expect([server.endSessions('alice'), server.endSessions('carol')]).toEqual([1, 0]);
    expect([await alice.lost, server.sessionCount, bob.session.attached]).toEqual([4001, 1, true]);
    expect(() => server.setUsers([])).toThrow('users: the server was made with authenticate');
  });
});

describe('a dialer of the embedding program', () => {
  test('may lead into memory; an observer has the bytes, and no address', async () => {
    const records: ChannelRecord[] = [];
    const dialer: Dialer = ({ host }) => {
      const [inside, outside] = duplexPair();
      outside.on('data', (chunk) => outside.write(`${host} says ${chunk}`));
      outside.on('end', () => outside.end());
      return inside;
    };
    const { server, port } = await startEmbedded({
      token: TOKEN,
      dialer,
      observer: { onChannelOver: (record) => records.push(record) },
    });
    const peer = new Peer();
    await peer.connect(port, TOKEN, '/tunnel');
    const { channel } = await peer.open('memory.test', 1);
    let answer = '';
    channel.start({
      onData: (chunk) => {
        answer += chunk;
        channel.consumed(chunk.length);
      },
      onEnd() {},
      onReset() {},
      onWritable() {},
    });
    channel.write(Buffer.from('hello'));
    channel.end();
    await until(() => records.length > 0 && answer.endsWith('hello'));
    expect(answer).toBe('memory.test says hello');
    expect(records).toMatchObject([
      { user: 'default', target: 'memory.test:1', address: undefined, connected: true, outcome: 'ok', bytesUp: 5 },
    ]);
    expect(server.channelCount).toBe(0);
  });
});
