import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { formatHanded } from '../../src/cluster/handed.js';
import type { ServerOptions } from '../../src/options/server-options.js';
import { createServer, type Server } from '../../src/server.js';
import { closeWith, Peer, startDestination, TOKEN, until } from '../peer.js';

const OTHER_TOKEN = 'another-token-for-tests-0123456789-0123456789';
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const ALICE = { id: 'alice', tokenSha256: sha256(TOKEN) };
const BOB = { id: 'bob', tokenSha256: sha256(OTHER_TOKEN) };
/** As processes call them among themselves. */
const [alice, bob] = [
  { id: 'alice', token: sha256(sha256(TOKEN)).slice(0, 32) },
  { id: 'bob', token: sha256(sha256(OTHER_TOKEN)).slice(0, 32) },
];

let folder: string;
beforeEach(() => {
  // The path of a socket is short on every system.
  folder = mkdtempSync(join(tmpdir(), 'w-'));
  closeWith(() => rmSync(folder, { recursive: true }));
});

interface Started {
  readonly server: Server;
  readonly port: number;
  readonly outcomes: string[];
  readonly resumed: object[];
}

/** One process of a node. */
async function start(options: Partial<ServerOptions> = {}): Promise<Started> {
  const [outcomes, resumed]: [string[], object[]] = [[], []];
  const credentials = options.authenticate === undefined ? { users: [ALICE, BOB] } : {};
  const info = (fields: object, message: string) => message === 'session resumed' && resumed.push(fields);
  const server = createServer({
    ...{ ...credentials, node: 'n', allowPrivate: true },
    logger: { debug() {}, info, warn() {}, error() {} },
    observer: { onHandOn: (outcome) => outcomes.push(outcome) },
    ...options,
  });
  const { port } = await server.listen({ port: 0 });
  await server.listenInner({ workers: folder });
  closeWith(() => server.close());
  return { server, port, outcomes, resumed };
}

/** Stands where the process `uid` would, and does what it is told with each connection. */
async function fakeOwner(uid: string, serve: (socket: Socket, request: string) => void): Promise<string> {
  const owner = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    closeWith(() => socket.destroy());
    socket.once('data', (request) => serve(socket, request.toString('latin1')));
  });
  owner.listen(join(folder, uid));
  closeWith(() => owner.close());
  await once(owner, 'listening');
  return `n.${uid}`;
}

/** An upgrade that is right, with these headers besides, and what stands behind it. */
function knock(at: number | string, headers: Record<string, string>, behind = '', token: string = TOKEN): Socket {
  const socket = typeof at === 'number' ? connect({ port: at, allowHalfOpen: behind !== '' }) : connect(at);
  socket.on('error', () => {});
  closeWith(() => socket.destroy());
  const lines = {
    ...{ Host: 'proxy.example', Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
    ...{ 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'wsproxy.v1' },
    ...{ Authorization: `Bearer ${token}`, ...headers },
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET / HTTP/1.1\r\n${text.join('')}\r\n${behind}`);
  return socket;
}

/** Everything until the end, or until `isAll`. */
async function readAll(socket: Socket, isAll: (text: string) => boolean = () => false): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (isAll(text)) break;
  }
  return text;
}

const routeTo = (server: Server) => ({ 'wsproxy-route': server.route });
const GONE = 'n.0123456789ab';

describe('a resume that lands in another process', () => {
  test('goes on in the one that has its session, which judges nothing anew', async () => {
    const [owner, other] = [await start(), await start()];
    const peer = new Peer();
    await peer.connect(owner.port);
    await peer.connect(other.port, TOKEN, '/', routeTo(owner.server));
    const { outcome } = await peer.open('127.0.0.1', await startDestination());
    expect([outcome, owner.server.sessionCount, other.server.sessionCount]).toEqual(['open', 1, 0]);
    expect([owner.outcomes, other.outcomes]).toEqual([[], ['passed']]);
    expect([owner.server.passedOn, other.server.passedOn]).toEqual([0, 1]);
    expect(owner.resumed).toMatchObject([{ user: 'alice', remoteAddress: '127.0.0.1', handed: true }]);
  });

  test('comes in by no token that the owner knows of no more, though its user has another one', async () => {
    const [owner, other] = [await start(), await start()];
    owner.server.setUsers([{ id: 'alice', tokenSha256: sha256('a-newer-token-for-tests-0123456789-0123456789') }]);
    expect(await readAll(knock(other.port, routeTo(owner.server)))).toMatch(/^HTTP\/1\.1 401 /);
    expect(owner.server.sessionCount).toBe(0);
  });

  test('is told the route of that one, by its own words', async () => {
    const [owner, other] = [await start(), await start()];
    const socket = knock(other.port, routeTo(owner.server));
    const head = await readAll(socket, (text) => text.includes('\r\n\r\n'));
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).toContain(`\r\nWsproxy-Route: ${owner.server.route}\r\n`);
  });

  test('may be handed on again and again, while an older transport of it is still open', async () => {
    const [owner, ...others] = [await start(), await start(), await start()];
    const peer = new Peer();
    await peer.connect(owner.port);
    for (const { port } of [...others, ...others]) await peer.connect(port, TOKEN, '/', routeTo(owner.server));
    expect(peer.session.attached).toBe(true);
    await until(() => others.every(({ server }) => server.passedOn <= 1));
    expect(owner.server.sessionCount).toBe(1);
  });

  test('gets 4006 there at once, when the process is gone', async () => {
    const [owner, other] = [await start(), await start()];
    await owner.server.close();
    expect(await codeOfResume(other.port, TOKEN, routeTo(owner.server))).toBe(4006);
    expect(other.outcomes).toEqual(['gone']);
  });

  test.each([
    ['a process that was never there', GONE],
    ['another node that nobody knows', 'elsewhere.0123456789ab'],
    ['a way out of the folder', 'n.../../../tmp'],
    ['a path', 'n./etc/passwd0'],
    ['nothing', ''],
    ['very much', `n.${'0'.repeat(8_000)}`],
    ['several routes', `${GONE}, ${GONE}`],
  ])('R3 is answered here, when its route names %s', async (_, route) => {
    const { port, server } = await start();
    await new Peer().connect(port, TOKEN, '/', { 'wsproxy-route': route });
    expect([server.sessionCount, server.passedOn]).toEqual([1, 0]);
  });

  test('gets 4006 there, when its client knows no routes', async () => {
    const [owner, other] = [await start(), await start()];
    await new Peer(1).connect(owner.port);
    expect(await codeOfResume(other.port, TOKEN, {})).toBe(4006);
    expect(owner.server.sessionCount).toBe(1);
  });

  test('of another user does not get the session', async () => {
    const [owner, other] = [await start(), await start()];
    const alice = new Peer(1);
    await alice.connect(owner.port);
    expect(await codeOfResume(other.port, OTHER_TOKEN, routeTo(owner.server))).toBe(4006);
    expect([other.outcomes, owner.server.sessionCount, alice.session.attached]).toEqual([['passed'], 1, true]);
  });
});

/** How RESUME of the session of `new Peer(1)` ends, by the letter of PROTOCOL.md. */
async function codeOfResume(port: number, token: string, headers: Record<string, string>): Promise<number> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  closeWith(() => ws.terminate());
  await once(ws, 'open');
  const payload = Buffer.concat([Buffer.of(1, 0, 0, 0), Buffer.alloc(16, 1), Buffer.alloc(32, 2), Buffer.alloc(12)]);
  payload.writeUInt32BE(9, 52);
  ws.send(Buffer.concat([Buffer.of(0x81, 0, 0, payload.length, 0, 0, 0, 0), payload]));
  const [code] = await once(ws, 'close');
  return code;
}

describe('what is handed on', () => {
  test('passes as it is, early bytes and those behind the answer too, and an end of each direction by itself', async () => {
    const head = 'HTTP/1.1 101 Switching\r\nX-Odd:  kept\r\n\r\n';
    const route = await fakeOwner('0123456789ab', (socket) => {
      socket.write(`${head}first`);
      void readAll(socket).then((said) => socket.end(`, ${said}`));
    });
    const { port } = await start();
    const socket = knock(port, { 'Wsproxy-Route': route }, 'early');
    await readAll(socket, (text) => text.endsWith('first')).then((text) => expect(text).toBe(`${head}first`));
    socket.end(' and late');
    expect(await readAll(socket)).toBe(', early and late');
  });

  test('says whose it is, and no token', async () => {
    let request = '';
    const route = await fakeOwner('0123456789ab', (socket, text) => {
      request = text;
      socket.destroy();
    });
    const { port } = await start();
    await readAll(knock(port, { 'Wsproxy-Route': route, 'Wsproxy-Handed': '1; user="forged"', Cookie: 'a=b' }));
    const from = { remoteAddress: '127.0.0.1', version: undefined };
    expect(request).toContain(`\r\nWsproxy-Handed: ${formatHanded({ user: alice, from })}\r\n`);
    expect(request).not.toMatch(/forged|Bearer|Cookie/i);
  });

  test('is closed for the client, when the owner closes it', async () => {
    const route = await fakeOwner('0123456789ab', (socket) => {
      socket.write('HTTP/1.1 101 Switching\r\n\r\n');
      socket.once('data', () => socket.destroy());
    });
    const { port, server } = await start();
    const socket = knock(port, { 'Wsproxy-Route': route });
    await readAll(socket, (text) => text.includes('\r\n\r\n'));
    expect(server.passedOn).toBe(1);
    socket.write('more');
    await once(socket, 'close');
    await until(() => server.passedOn === 0);
  });

  test('is closed for the owner, when the client goes', async () => {
    const gone = new Promise<void>((resolve) => {
      void fakeOwner('0123456789ab', (socket) => {
        socket.resume().once('end', resolve);
        socket.write('HTTP/1.1 101 Switching\r\n\r\n');
      });
    });
    const { port, server } = await start();
    const socket = knock(port, { 'Wsproxy-Route': GONE });
    await readAll(socket, (text) => text.includes('\r\n\r\n'));
    socket.resetAndDestroy();
    await gone;
    await until(() => server.passedOn === 0);
  });

  test('ends before it was answered, when the server is closed', async () => {
    const asked = new Promise<Socket>((resolve) => void fakeOwner('0123456789ab', resolve));
    const { port, server, outcomes } = await start();
    knock(port, { 'Wsproxy-Route': GONE });
    const ended = once((await asked).resume(), 'end');
    await server.close();
    await ended;
    expect([outcomes, server.passedOn]).toEqual([['left'], 0]);
  });

  test('ends with the server that passes it on, and the session does not', async () => {
    const [owner, other] = [await start(), await start()];
    const peer = new Peer();
    await peer.connect(owner.port);
    await peer.connect(other.port, TOKEN, '/', routeTo(owner.server));
    await other.server.close();
    await peer.lost;
    await peer.connect(owner.port);
    expect([peer.session.attached, owner.server.sessionCount]).toEqual([true, 1]);
  });

  test.each<[what: string, serve: (socket: Socket) => void]>([
    ['hangs up', (socket) => socket.destroy()],
    ['speaks no HTTP', (socket) => socket.write('SSH-2.0-x\r\n\r\n')],
    ['says too much', (socket) => socket.write(`HTTP/1.1 101 ${'x'.repeat(20_000)}`)],
  ])('is to be tried again, when a process that is there %s', async (_, serve) => {
    const route = await fakeOwner('0123456789ab', serve);
    const { port, outcomes, server } = await start();
    const answer = await readAll(knock(port, { 'Wsproxy-Route': route }));
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain(`\r\nRetry-After: 1\r\nWsproxy-Route: ${route}\r\n`);
    expect([outcomes, server.passedOn]).toEqual([['unanswered'], 0]);
  });

  test('is refused by the one that has the session, by its own words', async () => {
    const owner = await start({ limits: { sessionsPerUser: 1 } });
    const other = await start();
    await new Peer().connect(owner.port);
    const sockets = [1, 2, 3, 4, 5].map(() => knock(other.port, routeTo(owner.server)));
    const answers = await Promise.all(sockets.map((socket) => readAll(socket, (text) => text.includes('\r\n\r\n'))));
    expect(answers.map((answer) => answer.slice(9, 12))).toContain('429');
    expect(other.outcomes).toContain('refused');
  });

  test('takes a socket of those that there are', async () => {
    const owner = await start();
    const other = await start({ limits: { sockets: 1 } });
    const answer = await readAll(knock(other.port, routeTo(owner.server)));
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  });
});

describe('an inner door', () => {
  const at = (server: Server) => join(folder, server.route.slice(2));
  const handed = (user: object, more: object = {}) => ({
    'Wsproxy-Handed': formatHanded({ user: { id: '', token: '', ...user }, from: {}, ...more }),
  });

  test('R4 is for nobody who has not been judged, no matter what token they have', async () => {
    const { server } = await start();
    for (const headers of [{}, { 'Wsproxy-Handed': 'alice' }, { 'Wsproxy-Handed': '' }])
      expect(await readAll(knock(at(server), headers))).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('lets in who was judged, as that user is now', async () => {
    const { server } = await start();
    const status = async (user: object) => (await readAll(knock(at(server), handed(user)), all)).slice(9, 12);
    expect(await status(alice)).toBe('101');
    expect(await status({ ...alice, token: bob.token })).toBe('401');
    expect(await status({ ...alice, id: 'carol' })).toBe('401');
    server.setUsers([{ ...ALICE, disabled: true }, BOB]);
    expect(await status(alice)).toBe('401');
    expect(await status(bob)).toBe('101');
  });

  test('lets in nobody whose token has expired meanwhile', async () => {
    const { server } = await start();
    const tokens = [
      { sha256: sha256(TOKEN), label: 'old', expires: new Date(1) },
      { sha256: sha256(OTHER_TOKEN), label: 'new' },
    ];
    server.setUsers([{ id: 'alice', tokens }]);
    const status = async ({ token }: { token: string }) =>
      (await readAll(knock(at(server), handed({ id: 'alice', token })), all)).slice(9, 12);
    expect([await status(alice), await status(bob)]).toEqual(['401', '101']);
  });

  test('takes the whole user where an embedding program makes it, and asks nobody', async () => {
    const asked: string[] = [];
    const user = { id: 'carol', tokenExpires: new Date(Date.now() + 1e9), policy: { deny: ['*'] }, team: 'red' };
    const authenticate = () => {
      asked.push('once');
      return user;
    };
    const [owner, other] = [await start({ authenticate }), await start({ authenticate })];
    const peer = new Peer();
    await peer.connect(owner.port);
    await peer.connect(other.port, TOKEN, '/', routeTo(owner.server));
    expect(asked).toHaveLength(2);
    const { outcome } = await peer.open('127.0.0.1', await startDestination());
    expect([outcome, other.outcomes]).toEqual(['DENIED', ['passed']]);
  });

  test.each([
    ['only the name of a user', {}],
    ['a user that is none', { whole: { id: 'carol', limits: { sessions: -1 } } }],
    ['a user whose token has expired', { whole: { id: 'carol', tokenExpires: new Date(1) } }],
    ['a user who is disabled', { whole: { id: 'carol', disabled: true } }],
  ])('lets in nobody by %s, where an embedding program makes users', async (_, more) => {
    const { server } = await start({ authenticate: () => undefined });
    expect(await readAll(knock(at(server), handed({ id: 'carol' }, more)))).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('hands nothing on', async () => {
    const { server, outcomes } = await start();
    const other = await start();
    const socket = knock(at(server), { ...handed(alice), ...routeTo(other.server) });
    expect(await readAll(socket, all)).toContain(`Wsproxy-Route: ${server.route}\r\n`);
    expect([outcomes, other.server.passedOn]).toEqual([[], 0]);
  });

  test('R5 closes who is slow', async () => {
    const { server } = await start({ limits: { upgradeTimeout: 1_000 } });
    const socket = connect(at(server));
    closeWith(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: w');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('is not opened where others may come by', async () => {
    chmodSync(folder, 0o755);
    const server = createServer({ token: TOKEN });
    closeWith(() => server.close());
    await expect(server.listenInner({ workers: folder })).rejects.toThrow('only its owner may use (mode 0700)');
  });

  const all = (text: string) => text.includes('\r\n\r\n');
});

describe('a public door', () => {
  test('R1 is opened by no word of another process', async () => {
    const { port } = await start();
    const forged = { 'Wsproxy-Handed': formatHanded({ user: alice, whole: { id: 'alice' }, from: {} }) };
    expect(await readAll(knock(port, forged, '', 'wrong'))).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('R2 knows who has a token by that alone', async () => {
    const { port, server } = await start();
    const forged = { 'wsproxy-handed': formatHanded({ user: bob, from: { remoteAddress: '192.0.2.1' } }) };
    await new Peer().connect(port, TOKEN, '/', forged);
    expect(server.sessions()).toMatchObject([{ user: 'alice', remoteAddress: '127.0.0.1' }]);
  });

  test.each(['1', '2'])('R1 makes no process of a client that says to be one (%s)', async (kind) => {
    const [owner, other] = [await start(), await start()];
    const forged = { 'wsproxy-handed': kind };
    await new Peer().connect(owner.port, TOKEN, '/', forged);
    await new Peer(2).connect(other.port, TOKEN, '/', { ...forged, ...routeTo(owner.server) });
    expect(owner.server.sessions()).toMatchObject([{ user: 'alice' }, { user: 'alice' }]);
    expect(await readAll(knock(owner.port, forged, '', 'wrong'))).toMatch(/^HTTP\/1\.1 401 /);
  });
});
