import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cleanUpWith,
  closeOf,
  exchange,
  openSocket,
  plain,
  startGateway,
  statusOf,
  token,
  upgrade,
  upgradeRaw,
} from './gateway-fixture.js';

let outside: string;
let folder: string;

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'wsproxy-decoy-'));
  folder = join(outside, 'decoy');
  for (const each of ['', 'sub', 'sub/deep', '.git', 'empty']) mkdirSync(join(folder, each), { recursive: true });
  for (const each of ['index.html', 'sub/index.html', 'sub/a b?.txt', '.git/config', '.env', 'page', '../secret']) {
    writeFileSync(join(folder, each), `content of ${each}`);
  }
  symlinkSync('../secret', join(folder, 'escape'));
  symlinkSync('..', join(folder, 'escape-folder'));
  symlinkSync('../../secret', join(folder, 'sub/deep/index.html'));
  symlinkSync('.env', join(folder, 'visible'));
  symlinkSync('page', join(folder, 'link'));
});

afterEach(() => rmSync(outside, { recursive: true }));

const start = (limits = {}) => startGateway(limits, '/tunnel', { decoy: folder });
const get = (path: string, method = 'GET') => plain({ Authorization: undefined }, `${method} ${path} HTTP/1.1`);
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

describe('a decoy', () => {
  test.each([
    ['/', 'index.html'],
    ['/index.html', 'index.html'],
    ['/?query=1', 'index.html'],
    ['/sub/', 'sub/index.html'],
    ['/sub/a%20b%3F.txt', 'sub/a b?.txt'],
    ['/link', 'page'],
  ])('shows for %s the file %s', async (path, file) => {
    const { port } = await start();
    const answer = await exchange(port, get(path));
    expect([statusOf(answer), bodyOf(answer)]).toEqual([200, `content of ${file}`]);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(answer).not.toMatch(/node|ws|server:|express/i);
  });

  test.each([
    '/none',
    '/empty/',
    '/empty',
    '/sub',
    '/.env',
    '/.git/config',
    '/%2eenv',
    '/%2Egit/config',
    '/visible',
    '/escape',
    '/escape-folder/secret',
    '/escape-folder/',
    '/sub/deep/',
    '/../secret',
    '/sub/../../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/..%5csecret',
    '//etc/passwd',
    '/page%00',
    '/%zz',
    '/page/',
    'http://proxy.example/page',
    '/tunnel',
  ])('has nothing to show for %s', async (path) => {
    const { port } = await start();
    const answer = await exchange(port, get(path));
    expect([statusOf(answer), bodyOf(answer)]).toEqual([404, 'Not Found\n']);
  });

  test('answers HEAD without a body, and no other method', async () => {
    const { port } = await start();
    const head = await exchange(port, get('/', 'HEAD'));
    expect([statusOf(head), bodyOf(head)]).toEqual([200, '']);
    expect(head).toContain('\r\nContent-Length: 21\r\n');
    for (const path of ['/', '/tunnel']) {
      const post = await exchange(port, get(path, 'POST'));
      expect(statusOf(post)).toBe(405);
      expect(post).toContain('\r\nAllow: GET, HEAD\r\n');
    }
  });

  test('tells nothing by conditions and ranges that it would not tell otherwise', async () => {
    const { port } = await start();
    const headers = (more: object) => plain({ Authorization: undefined, ...more }, 'GET /page HTTP/1.1');
    const etag = /\r\nETag: (.*)\r\n/.exec(await exchange(port, get('/page')))?.[1] ?? '';
    expect(statusOf(await exchange(port, headers({ 'If-None-Match': etag })))).toBe(304);
    const part = await exchange(port, headers({ Range: 'bytes=0-6' }));
    expect([statusOf(part), bodyOf(part)]).toEqual([206, 'content']);
    const beyond = await exchange(port, headers({ Range: 'bytes=999-' }));
    expect([statusOf(beyond), bodyOf(beyond)]).toEqual([404, 'Not Found\n']);
    expect(beyond).not.toMatch(/Content-Range|ETag/i);
  });

  test('hides the path of the tunnel: strangers are answered alike on every path', async () => {
    writeFileSync(join(folder, 'tunnel'), 'content of page');
    const { port, refused } = await start();
    const wrong = [
      { Authorization: undefined },
      { Authorization: 'Bearer wrong' },
      { Authorization: [`Bearer ${token}`, 'Bearer x'] },
      { Authorization: undefined, Origin: 'https://page.example' },
      { Authorization: undefined, 'Sec-WebSocket-Protocol': undefined, 'Sec-WebSocket-Version': undefined },
    ];
    const without = (answer: string) => answer.replace(/\r\n(ETag|Last-Modified|Date): [^\r]*/g, '');
    const answers = await Promise.all(
      ['/tunnel', '/page'].flatMap((path) =>
        wrong.flatMap((headers) =>
          [upgrade, plain].map((make) => exchange(port, make(headers, `GET ${path} HTTP/1.1`))),
        ),
      ),
    );
    // Only a file with an extension has a type.
    expect(new Set(answers.map(without)).size).toBe(1);
    expect(answers.map(statusOf)).toEqual(answers.map(() => 200));
    // The operator learns the cause.
    expect([...new Set(refused)].sort()).toEqual([400, 401, 403, 404]);
  });

  test('ends the connection, even with another request pipelined behind it', async () => {
    const { port, transports } = await start();
    for (const first of [get('/'), upgrade({ Authorization: undefined }, 'GET / HTTP/1.1')]) {
      const answer = await exchange(port, first + upgrade());
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
    expect(transports).toEqual([]);
  });

  test('is shown whole, no matter what is pipelined behind the request', async () => {
    const size = 8 * 1024 * 1024;
    writeFileSync(join(folder, 'big'), Buffer.alloc(size, 'x'));
    const { port } = await start();
    for (const behind of [upgrade(), get('/'), 'nonsense']) {
      const answer = await exchange(port, get('/big') + behind);
      expect([statusOf(answer), bodyOf(answer).length]).toEqual([200, size]);
    }
  });

  test('has a time, too, for the one who takes a file slowly', async () => {
    writeFileSync(join(folder, 'big'), Buffer.alloc(32 * 1024 * 1024, 'x'));
    const { port, gateway } = await start({ handshakeTimeout: 100 });
    const socket = openSocket(port);
    // A byte now and then: never so long in silence that anybody would call it idle.
    socket.on('readable', () => {});
    const sip = setInterval(() => socket.read(1), 10);
    cleanUpWith(() => clearInterval(sip));
    socket.write(get('/big'));
    await once(socket, 'readable');
    const connections = () => new Promise<number>((resolve) => gateway.server.getConnections((_, n) => resolve(n)));
    await expect.poll(connections).toBe(0);
  });

  test('answers anything that is expected, and no request without a Host', async () => {
    const { port } = await start();
    const more = (headers: object) => plain({ Authorization: undefined, ...headers }, 'GET / HTTP/1.1');
    expect(bodyOf(await exchange(port, more({ Expect: 'patience' })))).toBe('content of index.html');
    expect(statusOf(await exchange(port, more({ Host: undefined })))).toBe(400);
    expect(statusOf(await exchange(port, get('127.0.0.1:80', 'CONNECT')))).toBe(405);
  });

  test('is not for those who have the token', async () => {
    const { port } = await start();
    expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
    expect(statusOf(await exchange(port, plain()))).toBe(426);
    expect(statusOf(await exchange(port, upgrade({ 'Sec-WebSocket-Protocol': undefined })))).toBe(400);
    const full = await startGateway({}, '/tunnel', { decoy: folder, hasRoom: () => false });
    expect(statusOf(await exchange(full.port, upgrade()))).toBe(429);
  });

  test('is not held open by somebody who does not read it', async () => {
    writeFileSync(join(folder, 'large'), Buffer.alloc(32 * 1024 * 1024));
    const { port, gateway } = await start({ handshakeTimeout: 100 });
    const socket = openSocket(port);
    const closed = closeOf(socket);
    socket.write(get('/large'));
    await expect
      .poll(() => new Promise((resolve) => gateway.server.getConnections((_, count) => resolve(count))))
      .toBe(1);
    await expect
      .poll(() => new Promise((resolve) => gateway.server.getConnections((_, count) => resolve(count))))
      .toBe(0);
    socket.resume();
    await closed;
  });

  test.each(['none', 'page'])('must be a folder, which %s is not', async (name) => {
    await expect(startGateway({}, '/', { decoy: join(folder, name) })).rejects.toThrow(/^decoy: no such folder: /);
  });
});
