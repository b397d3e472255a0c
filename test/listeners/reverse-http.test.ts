import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Client, ClientOptions } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { launch } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const USERS = ['alice', 'bob'].map((id) => ({ id, token: `${id}-${'x'.repeat(40)}` }));

/** A server with one port for names, which two users may have, and their clients by relays. */
async function start(options: Partial<ClientOptions> = {}) {
  const users = USERS.map(({ id, token }) => ({
    id,
    tokenSha256: createHash('sha256').update(token).digest('hex'),
    listen: [`http:*.${id}.example`, `tls:*.${id}.example`],
  }));
  const { server, port: serverPort } = await startServer({ users, reverse: true });
  const { port } = await server.listenReverseHttp({ port: 0 });
  const connect = async (token: string) => {
    const relay = await new CuttingRelay(serverPort).start();
    const { client } = await startClient(relay.port, { token, ...options });
    return { client, relay };
  };
  const [alice, bob] = await Promise.all(USERS.map(({ token }) => connect(token)));
  if (alice === undefined || bob === undefined) throw new Error('two users');
  return { server, port, alice, bob, connect };
}

type OnRequest = (...args: Parameters<RequestListener>) => unknown;

/** Has a service answer for a name of one user. */
async function serve(client: Client, name: string, onRequest: OnRequest): Promise<Server> {
  const service = createServer((incoming, response) => void onRequest(incoming, response));
  await client.forwardRemote({ name, target: await addressOf(service) });
  return service;
}

async function addressOf(service: TcpServer): Promise<string> {
  return `127.0.0.1:${(await listenOn(service)).port}`;
}

interface Asked {
  readonly host: string;
  readonly path?: string;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Status and content, as `200 hello`. */
async function ask(port: number, { host, path = '/', body, agent }: Asked): Promise<string> {
  const method = body === undefined ? 'GET' : 'POST';
  const asking = request({ host: '127.0.0.1', port, path, method, headers: { host }, ...(agent && { agent }) });
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return `${answer.statusCode} ${await textOf(answer)}`;
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('one port for the names of two clients', () => {
  test('keeps 1,000 requests at once apart that come by connections for both of them', async () => {
    const { port, alice, bob } = await start();
    const names = { 'app.alice.example': alice.client, 'app.bob.example': bob.client };
    for (const [name, client] of Object.entries(names)) {
      await serve(client, name, async (incoming, response) => {
        response.end(`${name} ${incoming.headers.host} ${incoming.url} ${await textOf(incoming)}`);
      });
    }
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    atEnd(() => agent.destroy());
    const hosts = Object.keys(names);
    const requests = Array.from({ length: 1_000 }, async (_, i) => {
      const host = hosts[i % 2] ?? '';
      const body = i % 5 === 0 ? `body ${i}` : undefined;
      const answer = await ask(port, { host, path: `/${i}`, agent, ...(body !== undefined && { body }) });
      return answer === `200 ${host} ${host} /${i} ${body ?? ''}` ? [] : [answer];
    });
    expect((await Promise.all(requests)).flat()).toEqual([]);
  });

  test('gives nobody a name of somebody else, and the same page for every name that nobody has', async () => {
    const { port, alice, bob } = await start();
    await serve(alice.client, 'app.alice.example', (_incoming, response) => response.end('alice'));
    await expect(serve(bob.client, 'app.alice.example', () => {})).rejects.toMatchObject({ code: 'DENIED' });
    expect(await ask(port, { host: 'app.alice.example' })).toBe('200 alice');
    expect(await ask(port, { host: 'app.bob.example' })).toBe('404 Not Found\n');
    expect(await ask(port, { host: 'no.such.example' })).toBe('404 Not Found\n');
  });

  test('carries WebSockets and event streams through a cut of the tunnel', async () => {
    const { port, alice } = await start();
    const streams: ((text: string) => void)[] = [];
    const service = await serve(alice.client, 'app.alice.example', (_incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      streams.push((text) => void response.write(text));
    });
    const sockets = new WebSocketServer({ server: service });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));

    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'app.alice.example' } });
    atEnd(() => socket.terminate());
    await once(socket, 'open');
    const asking = request({ host: '127.0.0.1', port, headers: { host: 'app.alice.example' } }).end();
    atEnd(() => asking.destroy());
    const [stream] = (await once(asking, 'response')) as [IncomingMessage];
    for (const [i, cut] of (['end', 'reset'] as const).entries()) {
      const [event, message] = [once(stream, 'data'), once(socket, 'message')];
      alice.relay.cut(cut);
      streams[0]?.(`data: ${i}\n\n`);
      socket.send(`message ${i}`);
      expect(String((await event)[0])).toBe(`data: ${i}\n\n`);
      expect(String((await message)[0])).toBe(`message ${i}`);
    }
  });

  test('has requests wait for a client that is away', async () => {
    const { server, port, alice } = await start();
    await serve(alice.client, 'app.alice.example', async (incoming, response) => {
      response.end(await textOf(incoming));
    });
    expect(await ask(port, { host: 'app.alice.example', body: 'before' })).toBe('200 before');
    await alice.relay.stop();
    await until('the server knows', () => server.sessions().some(({ attached }) => !attached));
    const asked = [
      ask(port, { host: 'app.alice.example' }),
      ask(port, { host: 'app.alice.example', body: 'x'.repeat(300_000) }),
    ];
    await until('both have come', () => server.channelCount === 2);
    await alice.relay.start();
    expect(await Promise.all(asked)).toEqual(['200 ', `200 ${'x'.repeat(300_000)}`]);
  });

  test('has another client of the user answer what the one before has not, when that hangs', async () => {
    const { port, alice, connect } = await start();
    const label = 'the app';
    const hanging = createServer(() => {});
    const [name, target] = ['app.alice.example', await addressOf(hanging)];
    await alice.client.forwardRemote({ name, target, label });
    const asked = ask(port, { host: name });
    await once(hanging, 'request');
    alice.relay.hold();
    const late = ask(port, { host: name });
    const next = await connect(USERS[0]?.token ?? '');
    const service = createServer((_incoming, response) => response.end('next'));
    await next.client.forwardRemote({ name, target: await addressOf(service), label });
    expect(await Promise.all([asked, late])).toEqual(['200 next', '200 next']);
    alice.relay.release();
  });
});

test('wsproxy-server has the port where it is told to, also on a Unix socket', async () => {
  const path = join(temporaryFolder(), 'names');
  const args = ['--reverse', '--allow-listen', 'http:*.example', '--listen', '0', '--log-format', 'json'];
  for (const [where, at] of [
    ['0', /"listen":"127\.0\.0\.1:(\d+)"[^\n]*"reverseHttp":"127\.0\.0\.1:(\d+)"/],
    [`unix:${path}`, /"listen":"127\.0\.0\.1:(\d+)"[^\n]*"reverseHttp":"unix:([^"]+)"/],
  ] as const) {
    const program = launch('wsproxy-server', [...args, '--reverse-http', where, '--trusted-proxy', 'unix']);
    const serverPort = Number(await program.untilStderr(at));
    const place = at.exec(program.stderr)?.[2] ?? '';
    const { client } = await startClient(serverPort);
    await serve(client, 'app.example', ({ headers }, response) => response.end(headers['x-forwarded-for']));
    const to = place === path ? { socketPath: path } : { host: '127.0.0.1', port: Number(place) };
    const headers = { host: 'app.example', 'x-forwarded-for': '192.0.2.1' };
    const [answer] = (await once(request({ ...to, headers }).end(), 'response')) as [IncomingMessage];
    expect(await textOf(answer)).toBe(place === path ? '192.0.2.1' : '127.0.0.1');
    program.signal('SIGTERM');
    expect((await program.ended).code).toBe(0);
  }
});

describe('curl', () => {
  skipUnlessInstalled('curl');
  skipUnlessInstalled('openssl');

  test('reaches services with TLS of their own by the names that it asks for', async () => {
    const { port, alice, bob } = await start();
    const certificates: Record<string, string> = {};
    for (const { client, name } of [
      { client: alice.client, name: 'db.alice.example' },
      { client: bob.client, name: 'db.bob.example' },
    ]) {
      const certificate = await makeCertificate(temporaryFolder(), `DNS:${name}`, 2);
      certificates[name] = certificate.file;
      const service = createTlsServer(certificate, (incoming, response) => {
        response.end(`${name} ${incoming.url} ${'x'.repeat(1_000_000)}`);
      });
      const target = await addressOf(service);
      await client.forwardRemote({ name: `*.${name.split('.').slice(1).join('.')}`, tls: true, target });
    }
    const curl = (name: string, ca: string) =>
      run('curl', ['-sS', '--cacert', ca, '--resolve', `${name}:${port}:127.0.0.1`, `https://${name}:${port}/a`]);
    for (const [name, ca] of Object.entries(certificates)) {
      const { code, stdout, stderr } = await curl(name, ca);
      expect([code, stderr, stdout.length, stdout.slice(0, 20)]).toEqual([
        0,
        '',
        1_000_004 + name.length,
        `${name} /a xxxxxxxxxxx`.slice(0, 20),
      ]);
    }
    const unknown = await curl('db.carol.example', certificates['db.bob.example'] ?? '');
    expect([unknown.code, unknown.stderr]).toEqual([35, expect.stringMatching(/unrecognized name/)]);
  });
});
