import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Logger } from 'wsproxy-protocol';
import { createAuthenticator, type User } from '../src/authenticate.js';
import { createFront, type Front, type FrontLimits } from '../src/front.js';

const token = 'correct-horse-battery-staple-0123456789';
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Fixture {
  readonly front: Front;
  readonly port: number;
  readonly webSockets: { readonly webSocket: WebSocket; readonly user: User }[];
  readonly logs: { readonly level: string; readonly fields: object; readonly message: string }[];
}

async function startFront(limits: Partial<FrontLimits> = {}, path = '/tunnel'): Promise<Fixture> {
  const webSockets: Fixture['webSockets'] = [];
  const logs: Fixture['logs'] = [];
  const record = (level: string) => (fields: object, message: string) => logs.push({ level, fields, message });
  const logger: Logger = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
  const front = createFront({
    path,
    authenticate: createAuthenticator(token),
    onWebSocket: (webSocket, user) => webSockets.push({ webSocket, user }),
    logger,
    limits,
  });
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  cleanups.push(async () => {
    const closed = front.close();
    for (const { webSocket } of webSockets) webSocket.terminate();
    await closed;
  });
  return { front, port: (front.server.address() as AddressInfo).port, webSockets, logs };
}

function openSocket(port: number, host = '127.0.0.1'): Socket {
  const socket = connect({ port, host });
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Everything the server answers until it closes. */
async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = openSocket(port);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  socket.write(bytes);
  await closeOf(socket);
  return answer;
}

type Headers = Record<string, string | readonly string[] | undefined>;

/** The text of an upgrade that is right in all but the headers given; undefined takes one away. */
function upgrade(changes: Headers = {}, requestLine = 'GET /tunnel HTTP/1.1'): string {
  const headers: Headers = {
    Host: 'proxy.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'wsproxy.v1',
    Authorization: `Bearer ${token}`,
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((text) => `${name}: ${text}\r\n`),
  );
  return `${requestLine}\r\n${lines.join('')}\r\n`;
}

function plain(changes: Headers = {}, requestLine = 'GET /tunnel HTTP/1.1'): string {
  const none = { Upgrade: undefined, Connection: undefined, 'Sec-WebSocket-Version': undefined };
  return upgrade(
    { ...none, 'Sec-WebSocket-Key': undefined, 'Sec-WebSocket-Protocol': undefined, ...changes },
    requestLine,
  );
}

/** Sends an upgrade and waits for the head of the answer; the connection stays open. */
async function upgradeRaw(port: number, request = upgrade()) {
  const socket = openSocket(port);
  socket.write(request);
  const [chunk] = await once(socket, 'data');
  return { socket, head: String(chunk) };
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

describe('the right upgrade', () => {
  test('becomes a WebSocket of the user, with the subprotocol and without extensions', async () => {
    const { port, webSockets } = await startFront();
    const { head } = await upgradeRaw(port, upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }));
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    expect(head).toContain('Sec-WebSocket-Protocol: wsproxy.v1\r\n');
    expect(head).not.toMatch(/Sec-WebSocket-Extensions/i);
    expect(webSockets.map(({ user }) => user)).toEqual([{ id: 'default' }]);
  });

  test('may offer other subprotocols too', async () => {
    const { port } = await startFront();
    const { head } = await upgradeRaw(port, upgrade({ 'Sec-WebSocket-Protocol': 'wsproxy.v9, wsproxy.v1' }));
    expect(head).toContain('Sec-WebSocket-Protocol: wsproxy.v1\r\n');
  });

  test('may carry a query, which counts for nothing', async () => {
    const { port } = await startFront();
    expect(statusOf((await upgradeRaw(port, upgrade({}, 'GET /tunnel?x=1 HTTP/1.1'))).head)).toBe(101);
  });

  test('yields a WebSocket that carries messages both ways', async () => {
    const { port, webSockets } = await startFront();
    const client = new WebSocket(`ws://127.0.0.1:${port}/tunnel`, 'wsproxy.v1', {
      headers: { authorization: `Bearer ${token}` },
    });
    cleanups.push(() => client.terminate());
    await once(client, 'open');
    const server = webSockets[0]?.webSocket as WebSocket;
    server.on('message', (data) => server.send(data));
    client.send(Buffer.from('hello'));
    const [echo] = await once(client, 'message');
    expect(String(echo)).toBe('hello');
  });
});

describe('an upgrade', () => {
  test.each([
    ['on another path', upgrade({}, 'GET / HTTP/1.1'), 404],
    ['on a longer path', upgrade({}, 'GET /tunnel/ HTTP/1.1'), 404],
    ['in absolute form', upgrade({}, 'GET http://proxy.example/tunnel HTTP/1.1'), 404],
    ['on another path without a token', upgrade({ Authorization: undefined }, 'GET / HTTP/1.1'), 404],
    ['with an Origin', upgrade({ Origin: 'https://page.example' }), 403],
    ['with an empty Origin', upgrade({ Origin: '' }), 403],
    ['with an Origin and without a token', upgrade({ Origin: 'null', Authorization: undefined }), 403],
    ['with two tokens', upgrade({ Authorization: [`Bearer ${token}`, `Bearer ${token}`] }), 400],
    ['without a token', upgrade({ Authorization: undefined }), 401],
    ['with a wrong token', upgrade({ Authorization: `Bearer ${'x'.repeat(39)}` }), 401],
    ['without a subprotocol', upgrade({ 'Sec-WebSocket-Protocol': undefined }), 400],
    ['with an unknown subprotocol', upgrade({ 'Sec-WebSocket-Protocol': 'wsproxy.v2' }), 400],
    ['with a malformed subprotocol', upgrade({ 'Sec-WebSocket-Protocol': 'wsproxy.v1,,' }), 400],
    ['by POST', upgrade({}, 'POST /tunnel HTTP/1.1'), 405],
    ['of version 12', upgrade({ 'Sec-WebSocket-Version': '12' }), 400],
    ['without a version', upgrade({ 'Sec-WebSocket-Version': undefined }), 400],
    ['without a key', upgrade({ 'Sec-WebSocket-Key': undefined }), 400],
    ['with two keys', upgrade({ 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }), 400],
    ['to HTTP/2', upgrade({ Upgrade: 'h2c' }), 400],
  ])('%s is answered and closed', async (_, request, status) => {
    const { port, webSockets } = await startFront();
    expect(statusOf(await exchange(port, request))).toBe(status);
    expect(webSockets).toEqual([]);
  });
});

describe('without the right token', () => {
  const wrong: Record<string, Headers> = {
    absent: { Authorization: undefined },
    empty: { Authorization: '' },
    wrong: { Authorization: `Bearer ${'x'.repeat(39)}` },
    short: { Authorization: 'Bearer x' },
    'of another scheme': { Authorization: 'Basic dXNlcjpwYXNz' },
    malformed: { Authorization: `Bearer ${token} ${token}` },
  };
  const requests = [
    ...Object.entries(wrong).map(([name, headers]) => [`${name}, in an upgrade`, upgrade(headers)] as const),
    ...Object.entries(wrong).map(([name, headers]) => [`${name}, in a GET`, plain(headers)] as const),
    ['absent, in an upgrade by POST', upgrade({ Authorization: undefined }, 'POST /tunnel HTTP/1.1')] as const,
    [
      'absent, in an upgrade of no version',
      upgrade({ Authorization: undefined, 'Sec-WebSocket-Version': undefined }),
    ] as const,
    [
      'absent, in an upgrade of no subprotocol',
      upgrade({ Authorization: undefined, 'Sec-WebSocket-Protocol': undefined }),
    ] as const,
    [
      'in the query',
      upgrade({ Authorization: undefined }, `GET /tunnel?token=${token}&access_token=${token} HTTP/1.1`),
    ] as const,
    ['in userinfo', upgrade({ Authorization: undefined, Host: `${token}@proxy.example` })] as const,
  ];

  test('every request is answered by the same bytes', async () => {
    const { port } = await startFront();
    const answers = await Promise.all(requests.map(async ([name, request]) => [name, await exchange(port, request)]));
    const expected =
      'HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n' +
      'X-Content-Type-Options: nosniff\r\nWWW-Authenticate: Bearer\r\nConnection: close\r\n\r\nUnauthorized\n';
    expect(answers).toEqual(requests.map(([name]) => [name, expected]));
  });
});

describe('an ordinary request', () => {
  test.each([
    ['with the token learns that an upgrade is needed', plain(), 426],
    ['with the token by POST learns so too', plain({ 'Content-Length': '5' }, 'POST /tunnel HTTP/1.1'), 426],
    ['with two tokens is bad', plain({ Authorization: [`Bearer ${token}`, 'Bearer x'] }), 400],
    ['to another path finds nothing', plain({}, 'GET / HTTP/1.1'), 404],
    ['to another path without a token finds nothing', plain({ Authorization: undefined }, 'GET /x HTTP/1.1'), 404],
    ['from a page is forbidden', plain({ Origin: 'https://page.example' }), 403],
    [
      'that asks to continue is not invited to',
      plain({ Authorization: undefined, Expect: '100-continue', 'Content-Length': '9' }),
      401,
    ],
  ])('%s', async (_, request, status) => {
    const { port } = await startFront();
    const answer = await exchange(port, request);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/\r\nConnection: (Upgrade, )?close\r\n/);
    expect(answer).not.toMatch(/node|ws|server:|access-control/i);
  });

  test('with the token is told what to upgrade to', async () => {
    const { port } = await startFront();
    expect(await exchange(port, plain())).toContain('\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n');
  });

  test('ends the connection, whatever is pipelined behind it', async () => {
    const { port, webSockets } = await startFront();
    const answer = await exchange(port, plain({ Authorization: undefined }) + upgrade());
    expect(statusOf(answer)).toBe(401);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(webSockets).toEqual([]);
  });

  test('is judged by all of its headers, however many', async () => {
    const { port } = await startFront();
    const many = 'a:\r\n'.repeat(2_100);
    const request = upgrade().replace('\r\n\r\n', `\r\n${many}Origin: https://page.example\r\n\r\n`);
    expect(statusOf(await exchange(port, request))).toBe(403);
  });
});

describe('bytes that are no request', () => {
  test.each([
    ['TLS', Buffer.from('16030100a5010000a10303', 'hex'), 400],
    ['SOCKS5', Buffer.from([5, 1, 0]), 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['bare line feeds', upgrade().replaceAll('\r\n', '\n'), 400],
    ['a space before a colon', upgrade().replace('Upgrade:', 'Upgrade :'), 400],
    ['a NUL', upgrade({ 'X-Name': 'a\0b' }), 400],
    ['a header block of more than 16 KiB', upgrade({ 'X-Name': 'x'.repeat(17_000) }), 431],
    ['a path of more than 16 KiB', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\n\r\n`, 431],
  ])('like %s are refused', async (_, bytes, status) => {
    const { port, webSockets } = await startFront();
    const answer = await exchange(port, bytes);
    expect(statusOf(answer)).toBe(status);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(webSockets).toEqual([]);
  });

  test('like CONNECT are closed without an answer', async () => {
    const { port } = await startFront();
    expect(await exchange(port, 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  });
});

describe('the time for a request', () => {
  test.each([
    ['nothing at all', ''],
    ['half a header', 'GET /tunnel HTTP/1.1\r\nHost: proxy.exa'],
  ])('runs out for %s', async (_, bytes) => {
    const { port } = await startFront({ handshakeTimeout: 100 });
    expect(statusOf(await exchange(port, bytes))).toBe(408);
  });

  test('runs out for one byte at a time', async () => {
    const { port } = await startFront({ handshakeTimeout: 100 });
    const socket = openSocket(port);
    const closed = closeOf(socket);
    const drip = setInterval(() => socket.write('x'), 10);
    cleanups.push(() => clearInterval(drip));
    socket.write('GET /tunnel HTTP/1.1\r\nX-Slow: ');
    socket.resume();
    await closed;
    clearInterval(drip);
    expect(socket.destroyed).toBe(true);
  });

  test('does not count for a WebSocket', async () => {
    const { port, webSockets } = await startFront({ handshakeTimeout: 100 });
    const { socket } = await upgradeRaw(port);
    // A later connection that runs out of time shows that the deadline of the first has passed too.
    expect(statusOf(await exchange(port, ''))).toBe(408);
    expect(socket.destroyed).toBe(false);
    expect(webSockets[0]?.webSocket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('connections that wait to authenticate', () => {
  test('are bounded: one more is closed unread, counted, and warned of once', async () => {
    const { port, front, logs } = await startFront({ pendingConnections: 2 });
    const waiting = [openSocket(port), openSocket(port)];
    await Promise.all(waiting.map((socket) => once(socket, 'connect')));
    expect(await exchange(port, upgrade())).toBe('');
    expect(await exchange(port, upgrade())).toBe('');
    expect(front.dropped).toBe(2);
    expect(logs.filter(({ level }) => level === 'warn')).toHaveLength(1);

    waiting[0]?.destroy();
    await expect.poll(async () => statusOf(await exchange(port, plain()))).toBe(426);
  });

  test('do not include WebSockets', async () => {
    const { port, front } = await startFront({ pendingConnections: 1 });
    const first = await upgradeRaw(port);
    const second = await upgradeRaw(port);
    expect([statusOf(first.head), statusOf(second.head)]).toEqual([101, 101]);
    expect(front.dropped).toBe(0);
  });

  test('do not include those that were refused', async () => {
    const { port, front } = await startFront({ pendingConnections: 1 });
    for (let round = 0; round < 5; round += 1) {
      await expect.poll(async () => statusOf(await exchange(port, upgrade({ Authorization: undefined })))).toBe(401);
    }
    expect(front.dropped).toBeLessThan(5);
  });
});

describe('a WebSocket that breaks RFC 6455', () => {
  const closeCodeOf = (frame: Buffer) => (frame[0] === 0x88 ? frame.readUInt16BE(2) : undefined);

  test.each([
    ['an unmasked frame', [0x82, 0x01, 0x00], 1002],
    ['an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a compressed frame', [0xc2, 0x80, 0, 0, 0, 0], 1002],
    ['a message that declares more than 256 KiB', [0x82, 0xff, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0], 1009],
  ])('by %s is closed, and the server lives on', async (_, bytes, code) => {
    const { port } = await startFront();
    const { socket } = await upgradeRaw(port);
    socket.write(Buffer.from(bytes));
    const [frame] = await once(socket, 'data');
    expect(closeCodeOf(frame)).toBe(code);
    expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
  });

  test('by too many fragments is closed', async () => {
    const { port } = await startFront();
    const { socket } = await upgradeRaw(port);
    const fragment = (opcode: number) => [opcode, 0x81, 0, 0, 0, 0, 0];
    socket.write(Buffer.from([...fragment(0x02), ...Array.from({ length: 64 }, () => fragment(0x00)).flat()]));
    const [frame] = await once(socket, 'data');
    expect(closeCodeOf(frame)).toBe(1008);
  });
});

describe('the log', () => {
  test('holds neither token nor query', async () => {
    const { port, logs } = await startFront();
    await exchange(port, upgrade({ Authorization: 'Bearer wrong-secret' }, 'GET /tunnel?token=query-secret HTTP/1.1'));
    await exchange(port, plain({ Authorization: 'Bearer wrong-secret' }, 'GET /other?token=query-secret HTTP/1.1'));
    expect(logs.map(({ fields }) => fields)).toMatchObject([
      { status: 401, path: '/tunnel', remoteAddress: '127.0.0.1' },
      { status: 404, path: '/other', remoteAddress: '127.0.0.1' },
    ]);
    expect(JSON.stringify(logs)).not.toMatch(/secret|\?/);
  });

  test('holds no more than 256 characters of a path, and only as a field', async () => {
    const { port, logs } = await startFront();
    await exchange(port, plain({}, `GET /${'x'.repeat(5_000)} HTTP/1.1`));
    expect(logs).toEqual([expect.objectContaining({ message: 'refused a request' })]);
    expect(logs[0]?.fields).toMatchObject({ path: `/${'x'.repeat(255)}` });
  });
});

describe('close', () => {
  test('destroys what is not a WebSocket, and resolves when the WebSockets are gone', async () => {
    const { port, front, webSockets } = await startFront();
    const { socket } = await upgradeRaw(port);
    const waiting = openSocket(port);
    await once(waiting, 'connect');
    await expect.poll(() => connectionsOf(front)).toBe(2);

    let isClosed = false;
    const closed = front.close().then(() => {
      isClosed = true;
    });
    await closeOf(waiting);
    await expect.poll(() => connectionsOf(front)).toBe(1);
    expect(isClosed).toBe(false);
    expect(socket.destroyed).toBe(false);

    webSockets[0]?.webSocket.terminate();
    await closed;
    expect(front.server.listening).toBe(false);
  });

  test('resolves for a front that never listened', async () => {
    const front = createFront({
      path: '/',
      authenticate: () => undefined,
      onWebSocket: () => {},
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await expect(front.close()).resolves.toBeUndefined();
  });

  test('may be called twice', async () => {
    const { front } = await startFront();
    await Promise.all([front.close(), front.close()]);
    expect(front.server.listening).toBe(false);
  });

  function connectionsOf(front: Front): Promise<number> {
    return new Promise((resolve) => front.server.getConnections((_, count) => resolve(count)));
  }
});
