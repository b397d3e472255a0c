import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createServer, type Server, type ServerOptions, type User } from 'wsproxy-server';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startNodesWith } from 'wsproxy-test-support/programs/cluster-nodes';
import { start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const PAGE = 'https://page.example';
const FOREIGN = 'https://evil.example';
const ALICE = { id: 'alice', tokenSha256: createHash('sha256').update(TOKEN).digest('hex') };
const PATH = '/ticket';
const ASK = { Authorization: `Bearer ${TOKEN}`, 'Wsproxy-Ticket': '1' };

interface Started {
  readonly server: Server;
  readonly port: number;
  /** All that was logged. */
  readonly log: string[];
}

async function startServer(options: Partial<ServerOptions> = {}, store?: string): Promise<Started> {
  const log: string[] = [];
  const write = (fields: object, message: string) => void log.push(JSON.stringify([fields, message]));
  const logger = { debug: write, info: write, warn: write, error: write };
  const known = options.authenticate === undefined ? { users: [ALICE] } : {};
  const server = createServer({ ...known, tickets: PATH, allowOrigins: [PAGE], logger, ...options });
  if (store !== undefined) await server.share({ store });
  const { port } = await server.listen({ port: 0 });
  atEnd(() => server.close());
  return { server, port, log };
}

interface Shown {
  readonly path?: string;
  readonly origin?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an upgrade with these subprotocols gets; those that succeed are left open. */
async function upgrade(port: number, protocols: readonly string[], shown: Shown = {}): Promise<IncomingMessage> {
  const { path = '/', origin = PAGE, headers = {} } = shown;
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], {
    headers: { ...headers, ...(origin !== '' && { origin }) },
  });
  ws.on('error', () => {});
  atEnd(() => ws.terminate());
  const [response] = (await Promise.race([
    once(ws, 'upgrade'),
    once(ws, 'unexpected-response').then(([, answer]: unknown[]) => [answer]),
  ])) as [IncomingMessage];
  return response;
}

const withTicket = (ticket: string): string[] => ['wsproxy.v1', `ticket.${ticket}`];

async function statusOf(port: number, ticket: string, shown?: Shown): Promise<number | undefined> {
  return (await upgrade(port, withTicket(ticket), shown)).statusCode;
}

/** What the path of tickets answers. */
function ask(port: number, headers: Readonly<Record<string, string>> = ASK, method = 'POST'): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${PATH}`, { method, headers });
}

async function ticketFrom(port: number, headers?: Readonly<Record<string, string>>): Promise<string> {
  const { ticket } = (await (await ask(port, { ...ASK, Origin: PAGE, ...headers })).json()) as { ticket: string };
  return ticket;
}

async function makeTicket({ server }: Started, origin: string | undefined = PAGE): Promise<string> {
  return (await server.createTicket({ id: 'alice' }, { origin })).ticket;
}

describe('a ticket', () => {
  test('lets in the page that it was made for, once, as its user, and the answer does not show it', async () => {
    const started = await startServer();
    const ticket = await makeTicket(started);
    const response = await upgrade(started.port, withTicket(ticket));
    expect([response.statusCode, response.headers['sec-websocket-protocol']]).toEqual([101, 'wsproxy.v1']);
    expect(started.log.some((line) => line.includes('accepted a WebSocket') && line.includes('"alice"'))).toBe(true);
    expect(await statusOf(started.port, ticket)).toBe(401);
  });

  test.each<[what: string, shown: Shown & { readonly protocols?: (ticket: string) => string[] }]>([
    ['in a URL', { protocols: () => ['wsproxy.v1'], path: '/?ticket=' }],
    ['in a URL besides', { path: '/?ticket=' }],
    ['twice', { protocols: (ticket) => [...withTicket(ticket), `ticket.${'x'.repeat(43)}`] }],
    ['with a token besides', { headers: { Authorization: `Bearer ${TOKEN}` } }],
    ['without the subprotocol', { protocols: (ticket) => [`ticket.${ticket}`] }],
    ['with one letter too many', { protocols: (ticket) => withTicket(`${ticket}x`) }],
    ['in other letters', { protocols: (ticket) => ['wsproxy.v1', `Ticket.${ticket}`] }],
    ['from no page', { origin: '' }],
  ])('that is shown %s is refused as a wrong token is, and the log does not show it', async (_, shown) => {
    const started = await startServer();
    const ticket = await makeTicket(started);
    const { protocols = withTicket, path = '' } = shown;
    const answer = async (response: IncomingMessage) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      return [response.statusCode, body, response.rawHeaders];
    };
    const there = { ...shown, path: path === '' ? '/' : path + ticket };
    const refused = await answer(await upgrade(started.port, protocols(ticket), there));
    const headers = { Authorization: 'Bearer wrong' };
    expect(refused).toEqual(await answer(await upgrade(started.port, ['wsproxy.v1'], { headers })));
    expect(refused[0]).toBe(401);
    expect(started.log.join('\n')).not.toContain(ticket);
  });

  test('is refused to a foreign page, and to an allowed one that it was not made for', async () => {
    const started = await startServer({ allowOrigins: [PAGE, 'https://other.example'] });
    expect(await statusOf(started.port, await makeTicket(started), { origin: FOREIGN })).toBe(403);
    expect(await statusOf(started.port, await makeTicket(started), { origin: 'https://other.example' })).toBe(401);
  });

  test.each([
    ['key', { 'Sec-WebSocket-Key': 'short' }],
    ['version', { 'Sec-WebSocket-Version': '12' }],
  ])('is spent by a WebSocket with a wrong %s', async (_, wrong) => {
    const started = await startServer();
    const ticket = await makeTicket(started);
    const shown = { Authorization: undefined, Origin: PAGE, 'Sec-WebSocket-Protocol': withTicket(ticket).join(', ') };
    expect((await requestUpgrade(started.port, { ...shown, ...wrong })).status).toBe(400);
    expect(await statusOf(started.port, ticket)).toBe(401);
  });

  test.each<[what: string, status: number, shown: Shown]>([
    ['on another path', 404, { path: '/none' }],
    ['by a foreign page', 403, { origin: FOREIGN }],
    ['in a URL besides', 401, { path: '/?ticket=' }],
  ])('that is refused %s is not spent', async (_, status, { path = '/', ...shown }) => {
    const started = await startServer();
    const ticket = await makeTicket(started);
    const there = path.endsWith('=') ? path + ticket : path;
    expect(await statusOf(started.port, ticket, { ...shown, path: there })).toBe(status);
    expect(await statusOf(started.port, ticket)).toBe(101);
  });

  test('opens no transport over HTTP, and is not spent by that', async () => {
    const started = await startServer();
    const ticket = await makeTicket(started);
    const headers = {
      ...{ Origin: PAGE, 'Wsproxy-Transport': `${'x'.repeat(22)};open` },
      'Sec-WebSocket-Protocol': withTicket(ticket).join(', '),
    };
    expect((await fetch(`http://127.0.0.1:${started.port}/`, { method: 'POST', headers })).status).toBe(401);
    expect(await statusOf(started.port, ticket)).toBe(101);
  });

  test('counts in the limits of its user', async () => {
    const started = await startServer({ limits: { sessionsPerUser: 1 } });
    await startClient(started.port);
    const statuses: unknown[] = [];
    while (statuses.length < 10 && statuses.at(-1) !== 429)
      statuses.push(await statusOf(started.port, await makeTicket(started)));
    expect(statuses.at(-1)).toBe(429);
  });

  test('is worth nothing once its user is removed', async () => {
    const started = await startServer();
    const { server, port } = started;
    const ticket = await makeTicket(started);
    server.setUsers([]);
    expect(await statusOf(port, ticket)).toBe(401);
    await expect(makeTicket(started)).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
  });

  test('is worth nothing once the sessions of its user have ended', async () => {
    const carol: User = { id: 'carol' };
    const started = await startServer({ authenticate: () => undefined });
    const { ticket } = await started.server.createTicket(carol, { origin: PAGE });
    started.server.endSessions('carol');
    expect(await statusOf(started.port, ticket)).toBe(401);
  });

  test('is nothing to a server that was made without them', async () => {
    const server = createServer({ users: [ALICE] });
    atEnd(() => server.close());
    await expect(server.createTicket({ id: 'alice' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a user of the program', () => {
  const TABS = ['--tickets', PATH, '--allow-origin', PAGE];

  test.each<[most: number, args: readonly string[]]>([
    [8, []],
    [32, TABS],
    [9, [...TABS, '--max-sessions-per-user', '9']],
  ])('has %d sessions at a time with %j', async (most, args) => {
    const { program, port } = await start('wsproxy-server', args);
    await Promise.all(Array.from({ length: most }, () => startClient(port)));
    expect(program.stderr).not.toContain('a limit was reached');
    startClient(port).catch(() => {});
    await program.untilStderr(new RegExp(`"limit":"sessionsPerUser","value":${most},[^\n]*"a limit was reached"`));
  });
});

describe('the path of tickets', () => {
  test('gives one to a page that is allowed and has the token, which nothing keeps', async () => {
    const { port } = await startServer();
    const response = await ask(port, { ...ASK, Origin: PAGE });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ticket: expect.stringMatching(/^[\w-]{43}$/), expiresInMs: 30_000 });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': PAGE,
      'cache-control': 'no-store',
      vary: 'Origin',
    });
    expect(await statusOf(port, await ticketFrom(port))).toBe(101);
  });

  test('gives one to a program, which no page can spend', async () => {
    const { port } = await startServer();
    const made = async () => ((await (await ask(port)).json()) as { ticket: string }).ticket;
    expect(await statusOf(port, await made(), { origin: '' })).toBe(101);
    expect(await statusOf(port, await made())).toBe(401);
  });

  test.each<[what: string, status: number, headers: Readonly<Record<string, string>>, method?: string]>([
    ['a wrong token', 401, { ...ASK, Authorization: 'Bearer wrong' }],
    ['no token', 401, { 'Wsproxy-Ticket': '1' }],
    ['a foreign page, also with the token', 403, { ...ASK, Origin: FOREIGN }],
    ['what a form can send', 400, { Authorization: ASK.Authorization }],
    ['another method', 400, ASK, 'GET'],
    ['a foreign page that asks first', 403, { Origin: FOREIGN, 'Access-Control-Request-Method': 'POST' }, 'OPTIONS'],
  ])('refuses %s, and shares nothing with other pages', async (_, status, headers, method) => {
    const { port } = await startServer();
    const response = await ask(port, headers, method);
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([status, null]);
    expect(await response.text()).not.toContain('ticket');
  });

  test.each<[what: string, status: number, headers: Readonly<Record<string, string>>, method?: string]>([
    ['a wrong token', 401, { ...ASK, Authorization: 'Bearer wrong' }],
    ['no token', 401, { 'Wsproxy-Ticket': '1' }],
    ['what a form can send', 400, { Authorization: ASK.Authorization }],
    ['another method', 400, ASK, 'GET'],
  ])(
    'tells a page that is allowed that it refuses %s, also where there is a decoy',
    async (_, status, headers, method) => {
      for (const options of [{}, { decoy: import.meta.dirname }]) {
        const { port } = await startServer(options);
        const response = await ask(port, { ...headers, Origin: PAGE }, method);
        expect([response.status, Object.fromEntries(response.headers)]).toEqual([
          status,
          expect.objectContaining({
            'access-control-allow-origin': PAGE,
            'access-control-expose-headers': 'retry-after',
            'cache-control': 'no-store',
            vary: 'Origin',
          }),
        ]);
      }
    },
  );

  test('answers a browser that asks first for a page that is allowed', async () => {
    const { port } = await startServer();
    const response = await ask(port, { Origin: PAGE, 'Access-Control-Request-Method': 'POST' }, 'OPTIONS');
    expect([response.status, Object.fromEntries(response.headers)]).toEqual([
      204,
      expect.objectContaining({
        'access-control-allow-origin': PAGE,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, wsproxy-ticket',
      }),
    ]);
  });

  test('refuses more than a hundred that nobody spends, for a while', async () => {
    const started = await startServer();
    for (let i = 0; i < 100; i++) await makeTicket(started);
    const response = await ask(started.port, { ...ASK, Origin: PAGE });
    const told = ['retry-after', 'access-control-allow-origin'].map((name) => response.headers.get(name));
    expect([response.status, ...told]).toEqual([429, '30', PAGE]);
  });

  test('is like any other path to strangers where there is a decoy', async () => {
    const { port } = await startServer({ decoy: import.meta.dirname });
    const stranger = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const [here, elsewhere] = [await stranger(PATH), await stranger('/none')];
    expect([here.status, await here.text()]).toEqual([elsewhere.status, await elsewhere.text()]);
    expect((await ask(port)).status).toBe(200);
  });

  test('is none without the option', async () => {
    const { port } = await startServer({ tickets: true });
    expect((await ask(port)).status).toBe(404);
  });
});

describe('by HTTP/2', () => {
  async function request(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<[unknown, string]> {
    const stream = session.request(headers, { endStream: headers[':method'] !== 'CONNECT' });
    atEnd(() => void stream.destroy());
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
    const [chunk = ''] = headers[':method'] === 'CONNECT' ? [] : ((await once(stream, 'data')) as unknown[]);
    return [answer[':status'], String(chunk)];
  }

  test('a page gets a ticket as well, which lets it in once', async (context) => {
    skipWithout(context, 'openssl');
    const folder = temporaryFolder();
    await makeCertificate(folder, 'IP:127.0.0.1', 1);
    const [cert, key] = ['cert', 'key'].map((name) => readFileSync(join(folder, name)));
    if (cert === undefined || key === undefined) throw new Error('there are both');
    const { port } = await startServer({ tls: { cert, key } });
    const begin = async () => {
      const session = connect(`https://127.0.0.1:${port}`, { ca: cert });
      atEnd(() => session.destroy());
      await once(session, 'remoteSettings');
      return session;
    };
    const asking = { ':method': 'POST', ':path': PATH, origin: PAGE, ...ASK };
    const [status, body] = await request(await begin(), asking);
    expect(status).toBe(200);
    const { ticket } = JSON.parse(body) as { ticket: string };
    const entering = {
      ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', origin: PAGE },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-protocol': withTicket(ticket).join(', ') },
    };
    expect(await request(await begin(), entering)).toEqual([200, '']);
    expect(await request(await begin(), entering)).toEqual([401, '']);
  });
});

describe('of processes that work together', () => {
  /** Makes tickets at one port and spends each at both at the same instant, in which exactly one wins. */
  async function raceFor(makingPort: number, ports: readonly number[]): Promise<void> {
    for (let round = 0; round < 10; round++) {
      const ticket = await ticketFrom(makingPort);
      const statuses = await Promise.all(ports.map((port) => statusOf(port, ticket)));
      expect(statuses.sort()).toEqual([101, ...ports.slice(1).map(() => 401)]);
    }
  }

  const TICKETS = ['--tickets', PATH, '--allow-origin', PAGE, '--max-sessions-per-user', '100'];

  test('workers spend the tickets of each other, each once', async () => {
    const { port } = await start('wsproxy-server', ['--workers', '2', ...TICKETS]);
    await raceFor(port, [port, port, port, port]);
  });

  test('servers with one store spend the tickets of each other, each once, and none while it is away', async (context) => {
    skipWithout(context, 'redis-server');
    const redis = new RedisProgram();
    await redis.start();
    const [one, other] = [await startServer({}, redis.url), await startServer({}, redis.url)];
    await raceFor(one.port, [one.port, other.port, one.port, other.port]);
    const ticket = await ticketFrom(one.port);
    await redis.kill();
    expect(await statusOf(other.port, ticket)).toBe(503);
    expect((await ask(one.port)).status).toBe(503);
    for (const { log } of [one, other]) expect(log.join('\n')).not.toContain(ticket);
  });

  test('nodes of a cluster spend the tickets of each other, each once, also for a session of the other', async (context) => {
    for (const program of ['openssl', 'redis-server']) skipWithout(context, program);
    const redis = new RedisProgram();
    await redis.start();
    const nodes = await startNodesWith([...TICKETS, '--cluster', redis.url], 'one', 'two');
    const [one = 0, two = 0] = nodes.map(({ port }) => port);
    const spend = async (port: number, ticket: string, path?: string) => {
      const { statusCode, headers } = await upgrade(port, withTicket(ticket), path === undefined ? {} : { path });
      return [statusCode, headers['wsproxy-route']];
    };
    const [, route] = await spend(two, await ticketFrom(one));
    expect(route).toMatch(/^two\./);
    await raceFor(one, [one, two, one, two]);
    await raceFor(two, [one, two, one, two]);
    // It is spent where it comes in, and not handed on.
    const ticket = await ticketFrom(one);
    expect(await spend(one, ticket, `/?r=${String(route)}`)).toEqual([101, route]);
    for (const port of [one, two]) expect(await statusOf(port, ticket)).toBe(401);
    for (const node of nodes) expect(node.program.stderr).not.toContain(ticket);
  });
});
