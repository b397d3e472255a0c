import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from 'wsproxy-server';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { Opcode, webSocketFrame } from 'wsproxy-test-support/wire/raw-websocket';
import { startWispServer, Type, WispClient, wispTokenOf, wispUser } from 'wsproxy-test-support/wire/wisp-client';

const PAGE = 'https://page.example';
const TUNNEL_TOKEN = 't'.repeat(43);
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const CAROL = {
  id: 'carol',
  tokens: [
    { sha256: sha256(TUNNEL_TOKEN) },
    { sha256: sha256(wispTokenOf('carol')), for: 'wisp' as const },
    { sha256: sha256(wispTokenOf('late')), for: 'wisp' as const, expires: new Date(0) },
  ],
};
/** An INFO of version 2 with these extensions. */
const info = (...extensions: [id: number, payload: Uint8Array | string][]): Buffer =>
  Buffer.concat([
    Buffer.from([2, 0]),
    ...extensions.flatMap(([id, payload]) => [
      Buffer.from([id, Buffer.from(payload).length, 0, 0, 0]),
      Buffer.from(payload),
    ]),
  ]);
const login = (name: string, token: string): Buffer =>
  Buffer.concat([Buffer.from([name.length]), Buffer.from(name + token)]);

describe('a wisp token', () => {
  test('lets its user in by the path, and no log shows it', async () => {
    const { urlOf, server, log } = await startWispServer();
    const client = await WispClient.begin(urlOf('alice'));
    expect(server.sessions()).toMatchObject([{ user: 'alice', tokenLabel: 'pages', way: 'Wisp' }]);
    client.ws.close();
    await until('the session is over', () => server.sessionCount === 0);
    expect(log.join('\n')).toContain('session over');
    expect(log.join('\n')).not.toContain(wispTokenOf('alice'));
  });

  test.each<[what: string, path: string, status: number, reason: string]>([
    ['of nobody', `/wisp/${'x'.repeat(43)}/`, 401, 'wrong token'],
    ['of the tunnel', `/wisp/${TUNNEL_TOKEN}/`, 401, 'token of another kind'],
    ['that has expired', `/wisp/${wispTokenOf('late')}/`, 401, 'expired token'],
    ['without a slash behind it', `/wisp/${wispTokenOf('carol')}`, 401, 'no token'],
    ['with more behind it', `/wisp/${wispTokenOf('carol')}/example.org:80`, 401, 'no token'],
    ['in the query', `/wisp/?${wispTokenOf('carol')}/`, 401, 'no token'],
    ['that is no token', '/wisp/x/', 401, 'no token'],
    ['on another path', `/${wispTokenOf('carol')}/`, 404, 'not on the path'],
    ['behind a path with a slip in it', `/wsip/${wispTokenOf('carol')}/`, 404, 'not on the path'],
  ])('%s opens nothing, and nobody finds it in the log', async (_, path, status, reason) => {
    const { port, log } = await startWispServer({ users: [CAROL] });
    const client = new WispClient(`ws://127.0.0.1:${port}${path}`);
    expect(await client.status()).toBe(status);
    await until('it is logged', () => log.some((line) => line.includes(`"reason":"${reason}"`)));
    expect(log.join('\n')).not.toMatch(/[wtx]{20}/);
  });

  test('lets its user in by HTTP/2, too', async (context) => {
    skipWithout(context, 'openssl');
    const { key, cert } = await makeCertificate(temporaryFolder(), 'IP:127.0.0.1', 1);
    const { port, server } = await startWispServer({ tls: { key, cert } });
    const echo = await startEcho();
    const session = connect(`https://127.0.0.1:${port}`, { ca: cert });
    atEnd(() => session.destroy());
    await once(session, 'remoteSettings');
    const stream = session.request({
      ...{ ':method': 'CONNECT', ':protocol': 'websocket', ':path': `/wisp/${wispTokenOf('alice')}/` },
      'sec-websocket-version': '13',
    });
    atEnd(() => void stream.destroy());
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(answer[':status']).toBe(200);
    const got: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => got.push(bytes));
    const packet = (type: number, payload: Uint8Array | string): Buffer =>
      Buffer.concat([Buffer.from([type, 1, 0, 0, 0]), Buffer.from(payload)]);
    const target = Buffer.from([1, echo.port & 0xff, echo.port >> 8, ...Buffer.from('127.0.0.1')]);
    stream.write(webSocketFrame(Opcode.binary, packet(Type.connect, target)));
    stream.write(webSocketFrame(Opcode.binary, packet(Type.data, 'hello')));
    const echoed = webSocketFrame(Opcode.binary, packet(Type.data, 'hello'), { masked: false });
    await until('the echo has come', () => Buffer.concat(got).includes(echoed));
    expect(server.sessions()).toMatchObject([{ user: 'alice', way: 'Wisp' }]);
  });

  test('opens no tunnel', async () => {
    const { port, log } = await startWispServer({ users: [CAROL] });
    const headers = { Authorization: `Bearer ${wispTokenOf('carol')}` };
    expect(await new WispClient(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], { headers }).status()).toBe(401);
    expect(log.join('\n')).toContain('token of another kind');
    const right = { Authorization: `Bearer ${TUNNEL_TOKEN}` };
    expect(await new WispClient(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], { headers: right }).status()).toBe(101);
  });

  test('opens no tunnel by a ticket either', async () => {
    const { server } = await startWispServer({ tickets: true });
    await expect(server.createTicket({ id: 'alice' })).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
  });

  test('in the URL of a client of the tunnel is answered with one clear line, which does not show it', async () => {
    const { urlOf, log } = await startWispServer();
    const { code, stderr } = await runCommand('wsproxy-client', [urlOf('alice'), '--listen', '127.0.0.1:0']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\/wisp\/\[redacted\]\/: nothing there \(404\): check/)]);
    expect(stderr + log.join('\n')).not.toContain(wispTokenOf('alice'));
  });

  test('in one of several URLs of a client stands in none of its lines', async () => {
    const { urlOf } = await startWispServer();
    const { port } = await startServer();
    const client = await start('wsproxy-client', [urlOf('alice'), `ws://127.0.0.1:${port}/`]);
    await client.program.untilStderr(/wisp\/\[redacted\]\/"[^\n]*nothing there/);
    expect(client.program.stderr).not.toContain(wispTokenOf('alice'));
  });

  test('lets in 32 WebSockets of its user at a time, as tabs have one or more each', async () => {
    const { server, urlOf } = await startWispServer();
    await Promise.all(Array.from({ length: 32 }, () => WispClient.begin(urlOf('alice'))));
    expect(server.sessionCount).toBe(32);
    expect(await new WispClient(urlOf('alice')).closed()).toBe(1013);
    await WispClient.begin(urlOf('bob'));
    expect(server.sessionCount).toBe(33);
  });

  test.each([
    ['a page that is allowed', PAGE, 101],
    ['another page', 'https://evil.example', 403],
  ])('counts for %s as the list of origins says', async (_, origin, status) => {
    const { urlOf } = await startWispServer({ allowOrigins: [PAGE] });
    expect(await new WispClient(urlOf('alice'), [], { origin }).status()).toBe(status);
  });

  test('is refused as any other path where there is a decoy, and nobody may log in', async () => {
    const { port } = await startWispServer({ decoy: temporaryFolder() });
    expect(await new WispClient(`ws://127.0.0.1:${port}/wisp/${'x'.repeat(43)}/`).status()).toBe(404);
    expect(await new WispClient(`ws://127.0.0.1:${port}/wisp/`, ['wisp-v2']).status()).toBe(404);
  });

  test('is answered with the status for its upgrade, where there is none', async () => {
    const { urlOf, port } = await startWispServer();
    expect((await fetch(urlOf('alice').replace('ws:', 'http:'))).status).toBe(426);
    expect((await fetch(`http://127.0.0.1:${port}/wisp/`)).status).toBe(401);
  });

  test('that is removed ends its connections at once, with a word to each stream', async () => {
    const { urlOf, server } = await startWispServer();
    const echo = await startEcho();
    const [alice, bob] = [await WispClient.begin(urlOf('alice')), await WispClient.begin(urlOf('bob'))];
    for (const client of [alice, bob]) {
      client.connect(1, echo);
      client.data(1, 'x');
      await client.read(1, 1);
    }
    server.setUsers([wispUser('bob')]);
    expect(await alice.reason(1)).toBe(0x03);
    expect(await alice.closed()).toBe(4001);
    bob.data(1, 'y');
    expect(String(await bob.read(1, 1))).toBe('y');
  });
});

describe('version 2', () => {
  const begin = async (options: Partial<ServerOptions> = {}, path?: string): Promise<WispClient> => {
    const { port, urlOf } = await startWispServer(options);
    return new WispClient(path === undefined ? urlOf('alice') : `ws://127.0.0.1:${port}${path}`, ['wisp-v2', 'other']);
  };

  test('says what the server has, and takes the first subprotocol', async () => {
    const client = await begin({ wispMotd: 'hi' });
    expect(await client.answer(info())).toEqual(info([1, ''], [4, 'hi'], [5, '']));
    expect(client.ws.protocol).toBe('wisp-v2');
    expect((await client.next(Type.continue, 0)).readUInt32LE(0)).toBe(128);
  });

  test('offers no UDP where the server carries none', async () => {
    const client = await begin({ udp: false });
    expect(await client.next(Type.info, 0)).toEqual(info([5, '']));
  });

  test('tells a client that a destination is there, if it wants to know', async () => {
    const echo = await startEcho();
    for (const wish of [true, false]) {
      const client = await begin();
      await client.answer(wish ? info([5, '']) : info());
      await client.next(Type.continue, 0);
      client.connect(3, echo);
      if (wish) expect((await client.next(Type.continue, 3)).readUInt32LE(0)).toBe(128);
      client.data(3, 'x');
      await client.read(3, 1);
      expect(client.packets).toEqual([]);
    }
  });

  test.each([
    ['draft 6', login('alice', wispTokenOf('alice'))],
    ['earlier drafts', Buffer.concat([Buffer.from([5, 43, 0]), Buffer.from(`alice${wispTokenOf('alice')}`)])],
  ])('lets a user in by name and token, as in %s', async (_, payload) => {
    const client = await begin({}, '/wisp/');
    expect(await client.answer(info([2, payload]))).toEqual(info([1, ''], [2, Buffer.from([1])], [5, '']));
    await client.next(Type.continue, 0);
    client.connect(1, await startEcho());
    client.data(1, 'x');
    await client.read(1, 1);
  });

  test.each([
    ['the token of another user', info([2, login('bob', wispTokenOf('alice'))]), 0xc0],
    ['a wrong token', info([2, login('alice', 'x'.repeat(43))]), 0xc0],
    ['no login', info([5, '']), 0xc2],
    ['a login that is none', info([2, '']), 0xc2],
    ['another version', Buffer.from([3, 0]), 0x04],
    ['half an INFO', Buffer.from([2, 0, 1]), 0x04],
  ])('refuses %s with its reason, and closes', async (_, answer, reason) => {
    const client = await begin({}, '/wisp/');
    await client.answer(answer);
    expect(await client.reason(0)).toBe(reason);
    await client.closed();
  });

  test('logs a refused login as a refused request', async () => {
    const { port, log } = await startWispServer();
    const client = new WispClient(`ws://127.0.0.1:${port}/wisp/`, ['wisp-v2']);
    await client.answer(info([2, login('alice', 'x'.repeat(43))]));
    expect(await client.reason(0)).toBe(0xc0);
    expect(log.find((line) => line.includes('refused a request'))).toMatch(/"status":401,"reason":"wrong token"/);
  });

  test('takes a token of the tunnel for no password', async () => {
    const client = await begin({ users: [CAROL] }, '/wisp/');
    await client.answer(info([2, login('carol', TUNNEL_TOKEN)]));
    expect(await client.reason(0)).toBe(0xc0);
  });

  test('cuts a stranger who sends more than a login', async () => {
    const client = await begin({}, '/wisp/');
    await client.next(Type.info, 0);
    client.data(1, Buffer.alloc(100_000));
    expect(await client.closed()).toBe(1006);
  });
});

describe('limits of a user', () => {
  test('bound sessions: one too many is refused', async () => {
    const { urlOf } = await startWispServer({ users: [wispUser('alice', { sessions: 1 }), wispUser('bob')] });
    await WispClient.begin(urlOf('alice'));
    const second = new WispClient(urlOf('alice'));
    expect(await second.reason(0)).toBe(0x49);
    expect(await second.closed()).toBe(1013);
    await WispClient.begin(urlOf('bob'));
  });

  test('bound streams of both users by themselves', async () => {
    const { urlOf } = await startWispServer({ users: [wispUser('alice', { channels: 2 }), wispUser('bob')] });
    const echo = await startEcho();
    const [alice, bob] = [await WispClient.begin(urlOf('alice')), await WispClient.begin(urlOf('bob'))];
    for (const client of [alice, bob]) {
      for (const stream of [1, 2, 3]) {
        client.connect(stream, echo);
        client.data(stream, 'x');
      }
    }
    expect(await alice.reason(3)).toBe(0x49);
    for (const client of [alice, bob]) await client.read(2, 1);
    await bob.read(3, 1);
    alice.close(1);
    let stream = 3;
    await until('there is room again', async () => {
      stream += 1;
      alice.connect(stream, echo);
      alice.data(stream, 'x');
      return (await Promise.race([alice.reason(stream).then(() => 'full'), alice.read(stream, 1)])) !== 'full';
    });
  });

  test('bound bytes a second', async () => {
    const rate = 65_536;
    const { urlOf } = await startWispServer({
      users: [wispUser('alice', { bytesPerSecondDown: rate }), wispUser('bob')],
    });
    const echo = await startEcho();
    const timeOf = async (user: string): Promise<number> => {
      const client = await WispClient.begin(urlOf(user));
      client.connect(1, echo);
      const start = performance.now();
      for (let i = 0; i < 12; i++) client.data(1, Buffer.alloc(16_384));
      await client.read(1, 12 * 16_384);
      return performance.now() - start;
    };
    expect(await timeOf('alice')).toBeGreaterThan(900);
    expect(await timeOf('bob')).toBeLessThan(900);
  });

  test('bound bytes of the month', async () => {
    const { urlOf } = await startWispServer({ users: [wispUser('alice', { monthlyBytes: 10 })] });
    const echo = await startEcho();
    const client = await WispClient.begin(urlOf('alice'));
    client.connect(1, echo);
    client.data(1, 'x'.repeat(20));
    await client.reason(1).catch(() => {});
    client.connect(2, echo);
    expect(await client.reason(2)).toBe(0x49);
  });
});

test('a server that drains serves what runs, and lets the client go with its last stream', async () => {
  const { urlOf, server } = await startWispServer();
  const echo = await startEcho();
  const [busy, idle] = [await WispClient.begin(urlOf('alice')), await WispClient.begin(urlOf('bob'))];
  busy.connect(1, echo);
  busy.data(1, 'x');
  await busy.read(1, 1);
  const closed = server.close({ drain: 20_000 });
  expect(await idle.closed()).toBe(1012);
  busy.data(1, 'y');
  expect(String(await busy.read(1, 1))).toBe('y');
  busy.close(1);
  expect(await busy.closed()).toBe(1012);
  expect(await closed).toBe(0);
});

test.each([
  ['without a drain', undefined],
  ['at the end of its drain', { drain: 200 }],
])('a server that stops %s closes the WebSockets that there are', async (_, how) => {
  const { urlOf, server } = await startWispServer();
  const client = await WispClient.begin(urlOf('alice'));
  client.connect(1, await startEcho());
  client.data(1, 'x');
  await client.read(1, 1);
  const closed = server.close(how);
  expect(await client.closed()).toBe(1001);
  await closed;
});

test('a confirmation of an opening is never that of a stream that the client has closed', async () => {
  const { urlOf } = await startWispServer();
  const client = new WispClient(urlOf('alice'), ['wisp-v2']);
  await client.answer(info([5, '']));
  await client.next(Type.continue, 0);
  const [echo, port] = [await startEcho(), await freePort()];
  client.connect(1, echo);
  client.close(1);
  client.connect(1, { port });
  expect(await client.reason(1)).toBe(0x44);
  client.connect(2, echo);
  await client.next(Type.continue, 2);
  expect(client.packets).toEqual([]);
});

test('what speaks Wisp is loaded where --wisp is given, and nowhere else', () => {
  const loadedBy = (options: string): string => {
    const code = `
      const { createServer } = await import('wsproxy-server');
      const server = createServer({ users: [{ id: 'alice', tokenSha256: '1'.repeat(64) }], ${options} });
      await server.listen({ port: 0 });
      await server.close();`;
    const folder = temporaryFolder();
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      env: { ...process.env, NODE_V8_COVERAGE: folder },
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join();
  };
  expect(loadedBy("wisp: '/wisp/'")).toContain('dist/wisp/index.js');
  expect(loadedBy('')).not.toContain('dist/wisp/');
});
