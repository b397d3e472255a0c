import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Transport } from 'wsproxy-engine';
import { type Arrival, type TransportAcceptor, WebSocketAcceptor, WebSocketTransport } from 'wsproxy-node/transports';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { soleUser, UserDirectory } from '../../src/users/directory.js';
import {
  cleanUpWith,
  echo,
  exchange,
  type Headers,
  plain,
  startGateway,
  statusOf,
  token,
  upgrade,
  upgradeRaw,
} from './gateway-fixture.js';

describe('the right upgrade', () => {
  test('becomes a WebSocket of the user, with the subprotocol and without extensions', async () => {
    const { port, transports } = await startGateway();
    const { head } = await upgradeRaw(port, upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }));
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    expect(head).toContain('Sec-WebSocket-Protocol: wsproxy.v1\r\n');
    expect(head).not.toMatch(/Sec-WebSocket-Extensions/i);
    expect(transports.map(({ user }) => user)).toEqual([{ id: 'default' }]);
  });

  test('may offer other subprotocols too', async () => {
    const { port } = await startGateway();
    const { head } = await upgradeRaw(port, upgrade({ 'Sec-WebSocket-Protocol': 'wsproxy.v9, wsproxy.v1' }));
    expect(head).toContain('Sec-WebSocket-Protocol: wsproxy.v1\r\n');
  });

  test('may carry a query, which counts for nothing', async () => {
    const { port } = await startGateway();
    expect(statusOf((await upgradeRaw(port, upgrade({}, 'GET /tunnel?x=1 HTTP/1.1'))).head)).toBe(101);
  });

  test('yields a WebSocket that carries messages both ways', async () => {
    const { port, transports } = await startGateway();
    const client = new WebSocket(`ws://127.0.0.1:${port}/tunnel`, 'wsproxy.v1', {
      headers: { authorization: `Bearer ${token}` },
    });
    cleanUpWith(() => client.terminate());
    await once(client, 'open');
    echo(transports[0]?.transport);
    client.send(Buffer.from('hello'));
    const [answer] = await once(client, 'message');
    expect(String(answer)).toBe('hello');
  });
});

test('a transport is told to be closed once its connection is', async () => {
  const { port, transports, closed } = await startGateway();
  const { socket } = await upgradeRaw(port);
  expect(closed).toEqual([]);
  socket.destroy();
  await expect.poll(() => closed).toEqual(transports.map(({ transport }) => transport));
});

test('another kind of transport gets the requests that it recognizes, of those who may come in', async () => {
  const accepted: Arrival[] = [];
  const other: TransportAcceptor = {
    name: 'POST',
    recognizes: ({ request }) => request.method === 'POST' && request.headers.upgrade === undefined,
    isRight: ({ request }) => request.headers['content-length'] === '0',
    accept(arrival, handler) {
      accepted.push(arrival);
      const over = handler.onTransport({} as Transport);
      if (!('response' in arrival)) return;
      arrival.response.end('the way down');
      arrival.response.once('close', over);
    },
  };
  const onTransport = vi.fn(() => () => {});
  const acceptors = [new WebSocketAcceptor(newMemory()), other];
  const { port, refused } = await startGateway({}, '/tunnel', { acceptors, onTransport });
  const post = (headers: Headers) => plain({ Connection: 'close', ...headers }, 'POST /tunnel HTTP/1.1');
  expect(await exchange(port, post({ 'Content-Length': '0' }))).toContain('the way down');
  expect(statusOf(await exchange(port, post({ 'Content-Length': '5' })))).toBe(400);
  expect(statusOf(await exchange(port, post({ 'Content-Length': '0', Authorization: undefined })))).toBe(401);
  expect(statusOf(await exchange(port, plain()))).toBe(426);
  expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
  expect([accepted.length, refused]).toEqual([1, [400, 401, 426]]);
  expect(onTransport.mock.calls).toEqual([
    [{}, { id: 'default' }, { remoteAddress: '127.0.0.1' }, expect.any(IncomingMessage)],
    [expect.any(WebSocketTransport), { id: 'default' }, { remoteAddress: '127.0.0.1' }, expect.any(IncomingMessage)],
  ]);
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
    ['without a Host', upgrade({ Host: undefined }), 400],
    ['with two Hosts', upgrade({ Host: ['proxy.example', 'other.example'] }), 400],
    ['with a body', upgrade({ 'Content-Length': '5' }), 400],
    ['with a body in chunks', upgrade({ 'Transfer-Encoding': 'chunked' }), 400],
    ['with an expectation and without a token', upgrade({ Expect: 'patience', Authorization: undefined }), 401],
    ['by CONNECT', upgrade({}, 'CONNECT /tunnel HTTP/1.1'), 404],
    ['by CONNECT to a host', upgrade({}, 'CONNECT 127.0.0.1:80 HTTP/1.1'), 404],
  ])('L5 %s is answered and closed', async (_, request, status) => {
    const { port, transports, refused, logs } = await startGateway();
    const answer = await exchange(port, request);
    expect([statusOf(answer), transports]).toEqual([status, []]);
    // Ours, not one of ws or Node, which say more, and tell nobody here.
    expect(answer).toContain('\r\nContent-Type: text/plain\r\n');
    expect(refused).toEqual([status]);
    expect(logs).toMatchObject([{ level: 'info', fields: { status }, message: 'refused a request' }]);
  });

  test('may say that it has no body, as some proxies do', async () => {
    const { port } = await startGateway();
    expect(statusOf((await upgradeRaw(port, upgrade({ 'Content-Length': '0' }))).head)).toBe(101);
  });
});

test('a connection that may fail while it is refused has somebody who listens', async () => {
  const { port, gateway } = await startGateway();
  const listeners: number[] = [];
  gateway.server.on('upgrade', (_, socket) => listeners.push(socket.listenerCount('error')));
  await exchange(port, upgrade({ Authorization: undefined }));
  await exchange(port, plain({ Authorization: undefined }) + upgrade());
  expect(listeners).toEqual([1, 1]);
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
    const { port } = await startGateway();
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
    ['that expects anything else is judged as if it did not', plain({ Expect: 'patience' }), 426],
    ['so without a token', plain({ Authorization: undefined, Expect: 'patience' }), 401],
    ['without a Host is bad', plain({ Host: undefined }), 400],
    ['with two is too', plain({ Host: ['proxy.example', 'other.example'] }), 400],
    ['without a Host on another path is bad as well', plain({ Host: undefined }, 'GET / HTTP/1.1'), 400],
    ['of HTTP/1.0 needs none', plain({ Host: undefined }, 'GET /tunnel HTTP/1.0'), 426],
    [
      'with a body that never comes is answered before it',
      plain({ 'Transfer-Encoding': 'chunked', Authorization: undefined }, 'POST /tunnel HTTP/1.1'),
      401,
    ],
  ])('%s', async (_, request, status) => {
    const { port } = await startGateway();
    const answer = await exchange(port, request);
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/\r\nConnection: (Upgrade, )?close\r\n/);
    expect(answer).not.toMatch(/node|ws|server:|date:|access-control/i);
  });

  test('with the token is told what to upgrade to', async () => {
    const { port } = await startGateway();
    expect(await exchange(port, plain())).toContain('\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n');
  });

  test.each([
    ['an upgrade', upgrade()],
    ['another request', plain()],
    ['no request', 'nonsense\r\n\r\n'],
  ])('ends the connection, even with %s pipelined behind it', async (_, behind) => {
    const { port, transports } = await startGateway();
    const answer = await exchange(port, plain({ Authorization: undefined }) + behind);
    expect(statusOf(answer)).toBe(401);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(transports).toEqual([]);
  });

  test('is judged by all of its headers, however many', async () => {
    const { port } = await startGateway();
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
    ['CONNECT to a host', 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ])('like %s are refused', async (_, bytes, status) => {
    const { port, transports, refused, logs } = await startGateway();
    const answer = await exchange(port, bytes);
    expect(statusOf(answer)).toBe(status);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(transports).toEqual([]);
    expect([refused, logs.map(({ message }) => message)]).toEqual([[status], ['refused a request']]);
  });
});

/** What the log says of a request of `wsproxy-client doctor`. */
const DOCTOR = { reason: 'not on the path', version: '1.2.3', probe: true };
const WISP_TOKEN = 'Ld9_nBvG0h-Qe3RtYuIoP7aSdFgHjK.l~ZxCvBnM12';
const directory = new UserDirectory([soleUser(token)]);
const whyNot = ({ headers }: IncomingMessage) => directory.whyNot(headers.authorization);

describe('the log', () => {
  test('holds neither token nor query', async () => {
    const { port, logs } = await startGateway();
    await exchange(port, upgrade({ Authorization: 'Bearer wrong-secret' }, 'GET /tunnel?token=query-secret HTTP/1.1'));
    await exchange(port, plain({ Authorization: 'Bearer wrong-secret' }, 'GET /other?token=query-secret HTTP/1.1'));
    expect(logs.map(({ fields }) => fields)).toMatchObject([
      { status: 401, path: '/tunnel', remoteAddress: '127.0.0.1' },
      { status: 404, path: '/other', remoteAddress: '127.0.0.1' },
    ]);
    expect(JSON.stringify(logs)).not.toMatch(/secret|\?/);
  });

  test.each([
    ['without a token', upgrade({ Authorization: undefined }), { reason: 'no token' }],
    ['with a wrong one', upgrade({ Authorization: `Bearer ${'x'.repeat(39)}` }), { reason: 'wrong token' }],
    ['with two', upgrade({ Authorization: ['Bearer x', 'Bearer y'] }), { reason: 'several tokens' }],
    ['on another path', upgrade({}, 'GET / HTTP/1.1'), { reason: 'not on the path' }],
    ['of a page', upgrade({ Origin: 'https://page.example' }), { reason: 'origin' }],
    ['for no upgrade', plain(), { reason: 'not an upgrade', user: 'default' }],
    ['for a wrong one', upgrade({ 'Sec-WebSocket-Key': undefined }), { reason: 'wrong upgrade', user: 'default' }],
    ['to two hosts', upgrade({ Host: ['a', 'b'] }), { reason: 'wrong Host' }],
    ['that is none', 'nonsense\r\n\r\n', { reason: 'malformed', code: 'HPE_INVALID_METHOD' }],
    ['that is endless', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\n\r\n`, { reason: 'too large' }],
    ['by the doctor', upgrade({ 'User-Agent': 'wsproxy-client/1.2.3 (doctor)' }, 'GET / HTTP/1.1'), DOCTOR],
  ])('says why a request %s is refused', async (_, request, expected) => {
    const { port, logs } = await startGateway({}, '/tunnel', { whyNot });
    await exchange(port, request);
    expect(logs).toMatchObject([{ level: 'info', fields: expected, message: 'refused a request' }]);
  });

  test('tells once of looks that come again and again, as those of a health check do, and counts each', async () => {
    const { port, logs, refused } = await startGateway();
    for (const path of ['/', '/', '/tunnel', '/']) {
      await exchange(port, plain({ Authorization: undefined }, `GET ${path} HTTP/1.1`));
    }
    expect([refused, logs.map(({ level }) => level)]).toEqual([
      [404, 404, 401, 404],
      ['info', 'debug', 'info', 'debug'],
    ]);
  });

  test('is quiet about those who are shown a decoy, and not about those who try a token', async () => {
    const { port, logs } = await startGateway({}, '/tunnel', { decoy: fileURLToPath(new URL('.', import.meta.url)) });
    await exchange(port, plain({ Authorization: undefined }));
    await exchange(port, plain({ Authorization: 'Bearer x' }));
    expect(logs.map(({ level }) => level)).toEqual(['debug', 'info']);
  });

  test.each([
    ['as a part', `/wsip/${WISP_TOKEN}/`, '/wsip/[redacted]/'],
    ['as all of it', `/${WISP_TOKEN}`, '/[redacted]'],
    ['with more behind it', `/wsip/${WISP_TOKEN}/example.org:80`, '/wsip/[redacted]/example.org:80'],
    ['in the absolute form', `http://proxy.example/wisp/${WISP_TOKEN}/`, 'http://proxy.example/wisp/[redacted]/'],
    ['behind a slash that is encoded', `/wisp%2F${WISP_TOKEN}%2F`, '/[redacted]'],
    ['beyond the end of what is shown', `${'/x'.repeat(120)}/${WISP_TOKEN}/`, `${'/x'.repeat(120)}/[redacted]/`],
  ])('holds nothing that looks like a wisp token, %s', async (_, target, path) => {
    const { port, logs } = await startGateway();
    await exchange(port, upgrade({}, `GET ${target} HTTP/1.1`));
    await exchange(port, plain({ Authorization: undefined }, `GET ${target} HTTP/1.1`));
    expect(logs.map(({ fields }) => fields)).toMatchObject([{ path }, { path }]);
    expect(JSON.stringify(logs)).not.toContain(WISP_TOKEN.slice(0, 8));
  });

  test('holds no more than 256 characters of a path, and only as a field', async () => {
    const { port, logs } = await startGateway();
    await exchange(port, plain({}, `GET ${'/x'.repeat(2_500)} HTTP/1.1`));
    expect(logs).toEqual([expect.objectContaining({ message: 'refused a request' })]);
    expect(logs[0]?.fields).toMatchObject({ path: '/x'.repeat(128) });
  });
});

test('an observer is told the status of each refused request', async () => {
  const { port, refused } = await startGateway();
  await exchange(port, plain());
  await exchange(port, upgrade({}, 'GET /other HTTP/1.1'));
  await exchange(port, upgrade({ Authorization: 'Bearer wrong' }));
  await exchange(port, 'nonsense\r\n\r\n');
  expect(refused).toEqual([426, 404, 401, 400]);
});

test('a user without room is told when to come back', async () => {
  const { port, transports, refused } = await startGateway({}, '/tunnel', { hasRoom: () => false });
  const answer = await exchange(port, upgrade());
  expect(statusOf(answer)).toBe(429);
  expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/);
  // Strangers learn nothing of it.
  expect(statusOf(await exchange(port, upgrade({ Authorization: undefined })))).toBe(401);
  expect([transports, refused]).toEqual([[], [429, 401]]);
});

describe('an Origin that is allowed', () => {
  const allowOrigins = ['https://page.example', 'https://other.example:8443'];
  test.each(allowOrigins)('comes in, %s', async (Origin) => {
    const { port } = await startGateway({}, '/tunnel', { allowOrigins });
    expect(statusOf((await upgradeRaw(port, upgrade({ Origin }))).head)).toBe(101);
  });

  test.each([
    'https://page.example:443',
    'http://page.example',
    'https://page.example.evil',
    'HTTPS://PAGE.EXAMPLE',
    'null',
    ['https://page.example', 'https://page.example'],
  ])('is not %s', async (Origin) => {
    const { port } = await startGateway({}, '/tunnel', { allowOrigins });
    expect(statusOf(await exchange(port, upgrade({ Origin })))).toBe(403);
  });
});

test('the log names the remote address that a trusted proxy tells', async () => {
  const { port, logs } = await startGateway({}, '/tunnel', { trustedProxies: ['127.0.0.0/8'] });
  await exchange(port, plain({ 'X-Forwarded-For': ['6.6.6.6', '203.0.113.9, 127.0.0.2'] }, 'GET /other HTTP/1.1'));
  expect(logs.map(({ fields }) => fields)).toMatchObject([{ status: 404, remoteAddress: '203.0.113.9' }]);
});
