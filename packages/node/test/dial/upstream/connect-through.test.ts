import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectThrough } from '../../../src/dial/upstream/connect-through.js';
import { parseProxyUrl } from '../../../src/dial/upstream/proxy.js';
import { ProxyError } from '../../../src/dial/upstream/proxy-error.js';
import { type Conversation, startFakeProxy } from './fake-proxy.js';

const TARGET = { host: 'destination.example', port: 443 };
const never = new AbortController().signal;
const SOCKS_OK = Buffer.from('05000001000000000000', 'hex');

async function through(proxy: string, options: { signal?: AbortSignal; timeout?: number } = {}): Promise<Socket> {
  const socket = await connectThrough(parseProxyUrl(proxy), TARGET, { signal: never, ...options });
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** The one error, with the promise of its class: it never gives the password away. */
async function failure(proxy: string, options: { signal?: AbortSignal; timeout?: number } = {}): Promise<ProxyError> {
  const error = await through(proxy, options).then(
    () => expect.fail('it connected'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProxyError);
  expect((error as Error).message).not.toMatch(/secret|\n/);
  return error as ProxyError;
}

/** Answers a SOCKS5 client without authentication; gives what it asked for. */
async function acceptSocks({ socket, take }: Conversation, answer: Buffer): Promise<Buffer> {
  const [, count = 0] = await take(2);
  await take(count);
  socket.write(Buffer.from([5, 0]));
  const head = await take(5);
  const rest = await take((head[4] ?? 0) + 2);
  socket.write(answer);
  return Buffer.concat([head, rest]);
}

const echo = (socket: Socket): void => void socket.pipe(socket);

/** Takes anything that comes, and says nothing. */
async function hang({ socket }: Conversation): Promise<void> {
  socket.resume().once('end', () => socket.end());
}

describe('through a SOCKS5 proxy', () => {
  test('a name is sent to the proxy, and bytes pass both ways, half-close kept', async () => {
    let asked: Buffer | undefined;
    const { port } = await startFakeProxy(async (conversation) => {
      asked = await acceptSocks(conversation, SOCKS_OK);
      echo(conversation.socket);
    });
    const socket = await through(`socks5://127.0.0.1:${port}`);
    expect(socket.isPaused()).toBe(true);
    socket.end('there and back');
    expect(await text(socket)).toBe('there and back');
    expect(asked?.subarray(5, -2).toString()).toBe(TARGET.host);
    expect(asked?.readUInt16BE(asked.length - 2)).toBe(443);
  });

  test('what comes behind the answer, with the end or a moment later, is not lost', async () => {
    const { port } = await startFakeProxy(async (conversation) => {
      await acceptSocks(conversation, Buffer.concat([SOCKS_OK, Buffer.from('early ')]));
      conversation.socket.end('and late');
    });
    const socket = await through(`socks5://127.0.0.1:${port}`);
    // Everything has arrived long before anybody reads.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(await text(socket)).toBe('early and late');
  });

  test('user and password are told, in UTF-8', async () => {
    let told: string | undefined;
    const { port } = await startFakeProxy(async (conversation) => {
      const { socket, take } = conversation;
      const [, count = 0] = await take(2);
      await take(count);
      socket.write(Buffer.from([5, 2]));
      const [, userLength = 0] = await take(2);
      const user = await take(userLength);
      const [passwordLength = 0] = await take(1);
      told = `${user}:${await take(passwordLength)}`;
      socket.write(Buffer.from([1, 0]));
      const head = await take(5);
      await take((head[4] ?? 0) + 2);
      socket.write(SOCKS_OK);
    });
    await through(`socks5://m%C3%BCller:p%40ss@127.0.0.1:${port}`);
    expect(told).toBe('müller:p@ss');
  });

  test('refused credentials, and those that are missing, are told apart', async () => {
    const { port } = await startFakeProxy(async ({ socket, take }) => {
      const [, count = 0] = await take(2);
      const methods = await take(count);
      if (!methods.includes(2)) return void socket.end(Buffer.from([5, 255]));
      socket.write(Buffer.from([5, 2]));
      await take(1);
      socket.end(Buffer.from([1, 1]));
    });
    expect((await failure(`socks5://127.0.0.1:${port}`)).code).toBe('CREDENTIALS_WANTED');
    expect((await failure(`socks5://u:secret@127.0.0.1:${port}`)).code).toBe('CREDENTIALS_REFUSED');
  });

  test.each([
    [1, 'PROXY_FAILED'],
    [2, 'DENIED'],
    [3, 'TARGET_UNREACHABLE'],
    [4, 'TARGET_UNREACHABLE'],
    [5, 'TARGET_REFUSED'],
    [6, 'TARGET_TIMEOUT'],
    [8, 'PROXY_FAILED'],
    [99, 'PROXY_FAILED'],
  ])('the reply %i is %s', async (reply, code) => {
    const answer = Buffer.from(SOCKS_OK);
    answer[1] = reply;
    const { port } = await startFakeProxy(async (conversation) => void (await acceptSocks(conversation, answer)));
    const error = await failure(`socks5://127.0.0.1:${port}`);
    expect(error.code).toBe(code);
    expect(error.message).toContain('destination.example:443');
  });

  test('what is no SOCKS proxy is told as that', async () => {
    const { port } = await startFakeProxy(async ({ socket }) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await failure(`socks5://127.0.0.1:${port}`)).toMatchObject({ code: 'PROXY_BROKEN' });
  });
});

describe('through a SOCKS4 proxy', () => {
  const answerWith = (code: number) => Buffer.of(0, code, 0, 0, 0, 0, 0, 0);
  const REQUEST = Buffer.concat([Buffer.of(4, 1, 0x01, 0xbb, 0, 0, 0, 1), Buffer.from(`ann\0${TARGET.host}\0`)]);

  test('the name and the user are sent to it, and bytes pass both ways', async () => {
    let asked: Buffer | undefined;
    const { port } = await startFakeProxy(async ({ socket, take }) => {
      asked = await take(REQUEST.length);
      socket.write(Buffer.concat([answerWith(0x5a), Buffer.from('early, ')]));
      echo(socket);
    });
    const socket = await through(`socks4://ann@127.0.0.1:${port}`);
    socket.end('there and back');
    expect(await text(socket)).toBe('early, there and back');
    expect(asked).toEqual(REQUEST);
  });

  test.each([
    ['a refusal', answerWith(0x5b), 'PROXY_FAILED', /failed to reach destination\.example:443/],
    ['nothing', Buffer.of(), 'PROXY_BROKEN', /hung up/],
  ])('%s is told as that', async (_what, answer, code, message) => {
    const { port } = await startFakeProxy(async ({ socket, take }) => {
      await take(REQUEST.length);
      socket.end(answer);
    });
    const error = await failure(`socks4://ann@127.0.0.1:${port}`);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });
});

describe('through an HTTP proxy', () => {
  test('CONNECT names the target, with the credentials, and bytes pass both ways', async () => {
    let header = '';
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      header = await takeHeader();
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      echo(socket);
    });
    const socket = await through(`http://user:s%20cret@127.0.0.1:${port}`);
    expect(socket.isPaused()).toBe(true);
    socket.end('there and back');
    expect(await text(socket)).toBe('there and back');
    expect(header).toMatch(/^CONNECT destination\.example:443 HTTP\/1\.1\r\n/);
    expect(header).toMatch(/^host: destination\.example:443\r$/im);
    expect(header).toContain(`Basic ${Buffer.from('user:s cret').toString('base64')}`);
  });

  test('what comes behind the answer, and the end, is not lost', async () => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nearly and late');
    });
    const socket = await through(`http://127.0.0.1:${port}`);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(await text(socket)).toBe('early and late');
  });

  test.each([
    ['nothing but a status', 'HTTP/1.1 200\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200 Connection established\r\nProxy-agent: Foo/1.0\r\n\r\n'],
    ['another 2xx', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['small letters', 'http/1.1 200 ok\r\n\r\n'],
    ['LF alone', 'HTTP/1.0 200 Connection Established\nProxy-agent: Foo\n\n'],
    ['an empty line before', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a space before a colon', 'HTTP/1.1 200 OK\r\nProxy-Agent : Foo\r\n\r\n'],
    ['a line without a colon', 'HTTP/1.1 200 OK\r\nProxy-Agent\r\n\r\n'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n'],
    ['control characters', 'HTTP/1.1 200 O\x01K\r\nX: a\0b\r\n\r\n'],
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['chunks beside a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nProxy-Connection: close\r\n\r\n'],
    ['an interim answer before', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a long head', `HTTP/1.1 200 OK\r\nX-Report: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['many fields', `HTTP/1.1 200 OK\r\n${'X-A: 1\r\n'.repeat(3_000)}\r\n`],
  ])('an answer with %s leads to the target', async (_what, answer) => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.write(`${answer}early `, 'latin1');
      echo(socket);
    });
    const socket = await through(`http://127.0.0.1:${port}`);
    socket.end('and late');
    expect(await text(socket)).toBe('early and late');
  });

  test.each([
    [['NTLM'], /wants NTLM, which wsproxy cannot do; Basic is what it can \(407\)$/],
    [['Negotiate', 'NTLM'], /wants Negotiate or NTLM, which/],
    [['Negotiate, NTLM'], /wants Negotiate or NTLM, which/],
    [['Digest realm="x, Basic y", nonce="z"'], /wants Digest, which/],
  ])('a 407 that offers %j only is told as that, with a password or without', async (offers, message) => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      const fields = offers.map((offer) => `Proxy-Authenticate: ${offer}\r\n`).join('');
      socket.write(`HTTP/1.1 407 Denied\r\n${fields}Content-Length: 3\r\n\r\nno!`);
    });
    for (const scheme of ['http://', 'http://u:secret@']) {
      const error = await failure(`${scheme}127.0.0.1:${port}`);
      expect([error.code, error.message]).toEqual(['SCHEME_UNKNOWN', expect.stringMatching(message)]);
    }
  });

  test('where it sends a browser is told, and when it wants to be asked again', async () => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end('HTTP/1.1 307 x\r\nLocation: http://login.example/\x1b?a\r\nRetry-After: 7\r\n\r\n');
    });
    const { message, retryAfter } = await failure(`http://u:secret@127.0.0.1:${port}`);
    expect(message).toContain(' (307), at "http://login.example/ ?a"');
    expect(retryAfter).toBe('7');
  });

  test('where it sends a browser is not told with the password in it', async () => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end('HTTP/1.1 302 Found\r\nLocation: http://login.example/?s%65cret\r\n\r\n');
    });
    expect((await failure(`http://u:secret@127.0.0.1:${port}`)).message).toMatch(/\(302\)$/);
  });

  test('a 407 that offers the password as a scheme does not bring it into the message', async () => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end('HTTP/1.1 407 X\r\nProxy-Authenticate: secret\r\nProxy-Authenticate: dTpzZWNyZXQ\r\n\r\n');
    });
    const { message } = await failure(`http://u:secret@127.0.0.1:${port}`);
    expect(message).toMatch(/ wants a scheme, which wsproxy cannot do; Basic is what it can \(407\)$/);
  });

  test('a user and password in bytes that are no UTF-8 are sent as they are', async () => {
    let header = '';
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      header = await takeHeader();
      socket.end('HTTP/1.1 403 no p\xffw \r\n\r\n', 'latin1');
    });
    const { message } = await failure(`http://D\\u%3a:p%ffw@127.0.0.1:${port}`);
    expect(header).toContain(`Basic ${Buffer.from('D\\u::p\xffw', 'latin1').toString('base64')}`);
    expect(message).toMatch(/\(403\)$/);
  });

  test('a 407 that offers Basic among others wants a user and password', async () => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end('HTTP/1.1 407 X\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: basic realm="x"\r\n\r\n');
    });
    expect((await failure(`http://127.0.0.1:${port}`)).code).toBe('CREDENTIALS_WANTED');
    expect((await failure(`http://u:secret@127.0.0.1:${port}`)).code).toBe('CREDENTIALS_REFUSED');
  });

  test.each([
    ['Blocked by policy 7', ', and says "Blocked by policy 7"'],
    ['Verbindung unm\xc3\xb6glich', ', and says "Verbindung unm\u00f6glich"'],
    ['unm\xf6glich', ', and says "unm\u00f6glich"'],
    ['\x1b[31mred\x07\xc2\x9b\xe2\x80\xae', ', and says "[31mred"'],
    ['x'.repeat(5_000), `, and says "${'x'.repeat(100)}"`],
    ['forbidden', ''],
    ['', ''],
    ['u:secret is not welcome', ''],
    ['no %73%65%63%72%65%74', ''],
    [`bad header: Basic ${Buffer.from('u:secret').toString('base64')}`, ''],
    [`${'x '.repeat(47)} secret`, ''],
  ])('what it says of its refusal, %j, is told cleaned', async (reason, told) => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end(Buffer.from(`HTTP/1.1 403 ${reason}\r\n\r\n`, 'latin1'));
    });
    const { message } = await failure(`http://u:secret@127.0.0.1:${port}`);
    expect(message).toBe(`the proxy http://127.0.0.1:${port} does not allow destination.example:443 (403)${told}`);
  });

  test.each([
    ['407', 'http://', 'CREDENTIALS_WANTED', /wants a user and password/],
    ['407', 'http://u:secret@', 'CREDENTIALS_REFUSED', /refused the user and password/],
    ['401', 'http://u:secret@', 'CREDENTIALS_REFUSED', /refused the user and password/],
    ['403', 'http://', 'DENIED', /does not allow destination\.example:443 \(403\)/],
    ['405', 'http://', 'DENIED', /405/],
    ['502', 'http://', 'TARGET_UNREACHABLE', /502/],
    ['504', 'http://', 'TARGET_TIMEOUT', /504/],
    ['302', 'http://', 'LOGIN_WANTED', /has a page, such as a login, in place of destination\.example:443 \(302\)/],
    ['511', 'http://', 'LOGIN_WANTED', /wants a login before it leads to destination\.example:443 \(511\)/],
    ['429', 'http://', 'PROXY_FAILED', /too many requests/],
    ['101', 'http://', 'PROXY_FAILED', /101/],
    ['500', 'http://', 'PROXY_FAILED', /500/],
  ])('the status %s over %s is %s', async (status, scheme, code, message) => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.write(`HTTP/1.1 ${status} Whatever\r\nContent-Length: 3\r\n\r\nno!`);
    });
    const error = await failure(`${scheme}127.0.0.1:${port}`);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', /does not speak HTTP/],
    ['a status that is none', 'HTTP/1.1 OK\r\n\r\n', /does not speak HTTP: its status line is not that of HTTP$/],
    ['a header without end', `HTTP/1.1 200 OK\r\n${'X-Padding: 0123456789\r\n'.repeat(2_000)}`, /does not speak HTTP/],
    ['a header that is too large', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}`, /does not speak HTTP: its head is/],
    ['an interim answer alone', 'HTTP/1.1 100 Continue\r\n\r\n', /hung up/],
    ['nothing', '', /hung up/],
  ])('%s is told as that', async (_what, answer, message) => {
    const { port } = await startFakeProxy(async ({ socket, takeHeader }) => {
      await takeHeader();
      socket.end(answer);
    });
    const error = await failure(`http://127.0.0.1:${port}`);
    expect([error.code, error.message]).toEqual(['PROXY_BROKEN', expect.stringMatching(message)]);
  });
});

describe.each(['socks5://u:secret@', 'http://u:secret@', 'https://u:secret@'])('%s', (scheme) => {
  test('a proxy where nobody listens is unreachable', async () => {
    const { port } = await startFakeProxy(hang);
    const other = connect(port, '127.0.0.1');
    await once(other, 'connect');
    // The near port of a connection: nobody listens there, and nobody else can take it.
    const free = other.localPort;
    const error = await failure(`${scheme}127.0.0.1:${free}`);
    expect([error.code, error.message]).toEqual(['PROXY_UNREACHABLE', expect.stringContaining('ECONNREFUSED')]);
    other.destroy();
  });

  test('a proxy that hangs ends with the deadline, and leaves nothing open', async () => {
    const { port, sockets } = await startFakeProxy(hang);
    const error = await failure(`${scheme}127.0.0.1:${port}`, { timeout: 50 });
    expect([error.code, error.message]).toEqual(['PROXY_TIMEOUT', expect.stringContaining('0.05 s')]);
    await expect.poll(() => sockets.size).toBe(0);
  });

  test('giving up leaves nothing open', async () => {
    const { port, sockets } = await startFakeProxy(hang);
    const giving = new AbortController();
    const failed = failure(`${scheme}127.0.0.1:${port}`, { signal: giving.signal });
    await expect.poll(() => sockets.size).toBe(1);
    giving.abort();
    expect((await failed).code).toBe('CANCELLED');
    await expect.poll(() => sockets.size).toBe(0);
    expect((await failure(`${scheme}127.0.0.1:${port}`, { signal: AbortSignal.abort() })).code).toBe('CANCELLED');
  });
});

describe('a proxy that is to be spoken to in TLS', () => {
  test.each([
    ['speaks none', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'TLS failed (wrong version number)'],
    ['ends it', Buffer.of(21, 3, 3, 0, 2, 2, 80), 'TLS failed (tlsv1 alert internal error)'],
  ])('and %s is told as that', async (_what, answer, told) => {
    const { port } = await startFakeProxy(async ({ socket, take }) => {
      await take(1);
      socket.resume().end(answer);
    });
    const { code, message } = await failure(`https://u:secret@127.0.0.1:${port}`);
    expect([code, message]).toEqual([
      'PROXY_UNREACHABLE',
      `no connection to the proxy https://127.0.0.1:${port}: ${told}`,
    ]);
  });
});
