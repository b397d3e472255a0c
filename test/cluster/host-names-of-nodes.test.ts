import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import { beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, createClient } from 'wsproxy-client';
import { createServer as createProxy, type Server } from 'wsproxy-server';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('redis-server');
skipUnlessInstalled('openssl');

const USERS = ['alice', 'bob'].map((id) => ({ id, token: `${id}-${'x'.repeat(40)}` }));
const users = USERS.map(({ id, token }) => ({
  id,
  tokenSha256: createHash('sha256').update(token).digest('hex'),
  listen: [`http:*.${id}.example`, `tls:*.${id}.example`],
}));

interface Process {
  readonly server: Server;
  /** For clients, and for requests. */
  readonly port: number;
  readonly names: number;
}

let first: Process;
let second: Process;

/** Two processes of one server, to each of which come clients and requests. */
beforeEach(async () => {
  const redis = new RedisProgram();
  await redis.start();
  const folder = temporaryFolder();
  const start = async (): Promise<Process> => {
    const server = createProxy({ users, reverse: true, node: 'n' });
    atEnd(() => server.close());
    const { port } = await server.listen({ port: 0 });
    await server.listenInner({ workers: folder });
    await server.share({ store: redis.url });
    const { port: names } = await server.listenReverseHttp({ port: 0 });
    return { server, port, names };
  };
  [first, second] = [await start(), await start()];
});

async function connect({ port }: Process, user: 0 | 1): Promise<Client> {
  const client = createClient({ url: `ws://127.0.0.1:${port}/`, token: USERS[user]?.token ?? '' });
  atEnd(() => client.close());
  await client.start();
  return client;
}

/** Has a service answer for a name. */
async function serve(client: Client, name: string, onRequest: RequestListener): Promise<void> {
  const { port } = await listenOn(createServer(onRequest));
  await client.forwardRemote({ name, target: `127.0.0.1:${port}` });
}

/** Status and content, as `200 hello`. */
async function ask(port: number, host: string, { body = '', agent }: { body?: string; agent?: Agent } = {}) {
  const method = body === '' ? 'GET' : 'POST';
  const asking = request({ host: '127.0.0.1', port, method, headers: { host }, ...(agent && { agent }) });
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return `${answer.statusCode} ${await textOf(answer)}`;
}

async function textOf(message: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of message) text += String(chunk);
  return text;
}

const says =
  (text: string): RequestListener =>
  (_request, response) =>
    void response.end(text);

test('requests of one connection go to the client that has each name, in any process', async () => {
  const [alice, bob] = [await connect(first, 0), await connect(second, 1)];
  await serve(alice, 'a.alice.example', says('of alice'));
  await serve(bob, 'b.bob.example', says('of bob'));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  atEnd(() => agent.destroy());
  for (const { names } of [first, second]) {
    for (let i = 0; i < 50; i++) {
      expect(await ask(names, 'a.alice.example', { agent })).toBe('200 of alice');
      expect(await ask(names, 'b.bob.example', { agent })).toBe('200 of bob');
    }
    expect(await ask(names, 'c.bob.example')).toMatch(/^404 /);
  }
});

test('hundreds at once wait for each other, and large contents pass both ways', async () => {
  const alice = await connect(first, 0);
  await serve(alice, 'a.alice.example', (asked, response) => asked.pipe(response));
  const body = 'x'.repeat(2_000_000);
  expect(await ask(second.names, 'a.alice.example', { body })).toBe(`200 ${body}`);
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => ask(second.names, 'a.alice.example', { body: `${i}` })),
  );
  expect(answers).toEqual(answers.map((_, i) => `200 ${i}`));
});

test('WebSockets pass, and so do their ends', async () => {
  const alice = await connect(first, 0);
  const service = createServer();
  new WebSocketServer({ server: service }).on('connection', (ws) => ws.on('message', (text) => ws.send(`${text}!`)));
  const { port } = await listenOn(service);
  await alice.forwardRemote({ name: 'a.alice.example', target: `127.0.0.1:${port}` });
  const ws = new WebSocket(`ws://127.0.0.1:${second.names}/`, { headers: { host: 'a.alice.example' } });
  await once(ws, 'open');
  ws.send('hello');
  expect(String((await once(ws, 'message'))[0])).toBe('hello!');
  ws.close();
  await once(ws, 'close');
  await until('nothing is left', () => first.server.channelCount === 0);
});

test('TLS passes as it is', async () => {
  const alice = await connect(first, 0);
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:a.alice.example', 2);
  const { port } = await listenOn(createTlsServer({ cert, key }, says('secret')));
  await alice.forwardRemote({ name: 'a.alice.example', tls: true, target: `127.0.0.1:${port}` });
  const asking = requestTls({ host: '127.0.0.1', port: second.names, servername: 'a.alice.example', ca: cert });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  expect(await textOf(answer)).toBe('secret');
});

test('a wildcard covers nothing that another process holds', async () => {
  const [alice, other] = [await connect(first, 0), await connect(second, 0)];
  await serve(alice, '*.alice.example', says('of all'));
  await serve(other, 'a.alice.example', says('of one'));
  for (const { names } of [first, second]) {
    expect(await ask(names, 'a.alice.example')).toBe('200 of one');
    expect(await ask(names, 'b.alice.example')).toBe('200 of all');
  }
});

test('a name that moves to another process is found there at once', async () => {
  const alice = await connect(first, 0);
  await serve(alice, 'a.alice.example', says('before'));
  await until('the second has heard', async () => (await ask(second.names, 'a.alice.example')) === '200 before');
  await alice.close();
  await until('it is free', async () => (await ask(first.names, 'a.alice.example')).startsWith('404'));
  await serve(await connect(second, 0), 'a.alice.example', says('after'));
  await until('the other process has heard', async () => (await ask(first.names, 'a.alice.example')) === '200 after');
  expect(await ask(second.names, 'a.alice.example')).toBe('200 after');
});

test('a service that cannot be reached, and a process that ends, are honest answers', async () => {
  const alice = await connect(first, 0);
  await alice.forwardRemote({ name: 'a.alice.example', target: '127.0.0.1:1' });
  expect(await ask(second.names, 'a.alice.example')).toMatch(/^502 /);
  await alice.forwardRemote({ name: 'nowhere.alice.example', target: 'nowhere.invalid:80' });
  expect(await ask(second.names, 'nowhere.alice.example')).toMatch(/^502 /);
  const { listeners } = alice.status();
  expect(listeners.find(({ target }) => target === 'nowhere.invalid:80')?.arrivalsSoFar).toBe(1);
  await serve(alice, 'slow.alice.example', (_asked, response) => void response.write('half'));
  const asking = request({ host: '127.0.0.1', port: second.names, headers: { host: 'slow.alice.example' } });
  asking.on('error', () => {}).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const text = textOf(answer);
  text.catch(() => {});
  await first.server.close();
  await expect(text).rejects.toThrow();
});
