import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Transport, VERSION } from 'wsproxy-engine';
import { type OpenTransport, RefusedError } from 'wsproxy-node/transports';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { connectTransport } from '../../src/reach/connect-transport.js';
import { parseReach } from '../../src/reach/reach.js';
import type { TokenSource } from '../../src/reach/token-source.js';
import { WayBack } from '../../src/reach/way-back.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';
const never = new AbortController().signal;

let server: TcpServer | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (server === undefined) return;
  const closed = once(server, 'close');
  server.close();
  await closed;
  server = undefined;
});

async function listen(created: TcpServer): Promise<number> {
  server = created;
  created.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  created.listen(0, '127.0.0.1');
  await once(created, 'listening');
  return (created.address() as AddressInfo).port;
}

const urlOf = (port: number, scheme = 'ws'): URL => new URL(`${scheme}://127.0.0.1:${port}/tunnel`);
const dial = (url: URL, signal: AbortSignal = never): ReturnType<typeof connectTransport> =>
  connectTransport({ url, token: TOKEN, reach: parseReach(url, {}) }, signal, newMemory());

/** A server that upgrades, choosing `protocol`. `answer` gives more headers, or has answered by itself. */
async function upgrading(
  protocol: string | false = 'wsproxy.v1',
  answer: (request: IncomingMessage, socket: Duplex) => readonly string[] | undefined = () => [],
): Promise<{
  port: number;
  requests: IncomingMessage[];
  accepted: Promise<WebSocket>;
}> {
  const http = createHttpServer();
  const upgrades = new WebSocketServer({ noServer: true, handleProtocols: () => protocol });
  const requests: IncomingMessage[] = [];
  const accepted = new Promise<WebSocket>((resolve) => {
    http.on('upgrade', (request, socket, head) => {
      requests.push(request);
      const headers = answer(request, socket);
      if (headers === undefined) return;
      upgrades.once('headers', (lines) => lines.push(...headers));
      upgrades.handleUpgrade(request, socket, head, resolve);
    });
  });
  return { port: await listen(http), requests, accepted };
}

function answering(status: number, headers: Record<string, string> = {}): Server {
  return createHttpServer((_request, response) => response.writeHead(status, headers).end('<p>no</p>'));
}

describe('an upgrade', () => {
  test('gives a transport that carries bytes both ways', async () => {
    const { port, accepted } = await upgrading();
    const transport = await dial(urlOf(port));
    const far = await accepted;
    const arrived = once(far, 'message');
    transport.send([Buffer.from('to '), Buffer.from('there')]);
    expect((await arrived).map(String)[0]).toBe('to there');
    const answer = new Promise<Uint8Array>((resolve) => {
      transport.receiver = { onBytes: resolve, onDrain() {}, onClose() {}, onText() {} };
    });
    far.send(Buffer.from('and back'));
    expect(String(Buffer.from(await answer))).toBe('and back');
    transport.terminate();
  });

  test('asks for the subprotocol, with the token in a header and nowhere else, and without compression', async () => {
    const { port, requests } = await upgrading();
    (await dial(urlOf(port))).terminate();
    const [request] = requests;
    expect(request?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(request?.headers['sec-websocket-protocol']).toBe('wsproxy.v1');
    expect(request?.headers['sec-websocket-extensions']).toBeUndefined();
    expect(request?.headers.origin).toBeUndefined();
    expect(request?.url).toBe('/tunnel');
  });

  test.each([
    ['its version', {}, `wsproxy-client/${VERSION}`],
    ['what a header of the user says', { 'User-Agent': 'Mozilla/5.0' }, 'Mozilla/5.0'],
  ])('calls itself by %s', async (_, headers, expected) => {
    const { port, requests } = await upgrading();
    const url = urlOf(port);
    (
      await connectTransport({ url, token: TOKEN, reach: parseReach(url, { headers }) }, never, newMemory())
    ).terminate();
    expect(requests.map((request) => request.headers['user-agent'])).toEqual([expected]);
  });

  test('tells of its session, and brings the cookies again that any answer has set', async () => {
    let answers = 0;
    const { port, requests } = await upgrading('wsproxy.v1', (_request, socket) => {
      answers += 1;
      const cookie = `Set-Cookie: SRV=s${answers}; Path=/\r\n`;
      if (answers === 1) socket.end(`HTTP/1.1 503 Busy\r\n${cookie}Content-Length: 0\r\nConnection: close\r\n\r\n`);
      return answers === 1 ? undefined : [cookie.trim(), 'Wsproxy-Route: ams-1.0123456789ab'];
    });
    const greeter = { next: { id: Buffer.alloc(16, 7), resumes: false }, route: undefined };
    const wayBack = new WayBack(greeter);
    const url = urlOf(port);
    const reach = parseReach(url, { headers: { Cookie: 'mine=1' } });
    const dialAgain = () => connectTransport({ url, token: TOKEN, reach }, never, newMemory(), { wayBack });
    const refusal = await dialAgain().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 503, isOwnerAway: false });
    expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain('SRV');
    (await dialAgain()).terminate();
    expect(wayBack.route).toBe('ams-1.0123456789ab');
    greeter.next = { ...greeter.next, resumes: true };
    (await dialAgain()).terminate();
    expect(requests.map(({ headers }) => headers.cookie)).toEqual(['mine=1', 'mine=1; SRV=s1', 'mine=1; SRV=s2']);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill(`Bearer ${TOKEN}`));
    const told = ({ headers }: IncomingMessage) => [headers['wsproxy-resume'], headers['wsproxy-route']];
    expect(requests.map(told)).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      ['1', 'ams-1.0123456789ab'],
    ]);
    expect(new Set(requests.map(({ headers }) => headers['wsproxy-session'])).size).toBe(1);
  });

  test('tells nobody the value of a cookie, though the server says it again', async () => {
    const { port } = await upgrading('wsproxy.v1', (_request, socket) => {
      const lines = [
        'Set-Cookie: SRV=5ecret-of-the-proxy',
        'Location: /?back=5ecret-of-the-proxy',
        'Content-Length: 0',
      ];
      socket.end(`HTTP/1.1 302 Found\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
      return undefined;
    });
    const wayBack = new WayBack({ next: { id: Buffer.alloc(16, 7), resumes: false }, route: undefined });
    const url = urlOf(port);
    const server = { url, token: TOKEN, reach: parseReach(url, {}) };
    const again = () => connectTransport(server, never, newMemory(), { wayBack }).catch((error: unknown) => error);
    await again();
    const refusal = await again();
    expect(refusal).toMatchObject({ status: 302, message: expect.stringMatching(/^redirected \(302\)/) });
    expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain('5ecret');
  });

  test.each([
    ['the route that was asked for', 'ams-1.0123456789ab', true],
    ['another one', 'fra-2.ba9876543210', false],
    ['none', undefined, false],
  ])('that is refused with 503 and %s', async (_what, route, isOwnerAway) => {
    const port = await listen(answering(503, { 'retry-after': '1', ...(route && { 'wsproxy-route': route }) }));
    const url = urlOf(port);
    const greeter = { next: { id: Buffer.alloc(16, 7), resumes: true }, route: 'ams-1.0123456789ab' };
    const server = { url, token: TOKEN, reach: parseReach(url, {}) };
    await expect(connectTransport(server, never, newMemory(), { wayBack: new WayBack(greeter) })).rejects.toMatchObject(
      {
        ...{ isOwnerAway, retryAfter: 1_000, permanent: false, code: 'UNAVAILABLE' },
        message: isOwnerAway
          ? 'the server answers, but its process that has the session does not (503)'
          : 'the server, or a proxy before it, is not available (503)',
      },
    );
  });

  test('sends small messages at once', async () => {
    const { port, accepted } = await upgrading();
    const transport = await dial(urlOf(port));
    const far = await accepted;
    const start = performance.now();
    for (let n = 0; n < 20; n++) {
      const arrived = once(far, 'message');
      transport.send([Buffer.from('a')]);
      transport.send([Buffer.from('b')]);
      await arrived;
    }
    // Nagle's algorithm would hold each second one back for 40 ms.
    expect(performance.now() - start).toBeLessThan(20 * 40);
    transport.terminate();
  });
});

describe('another kind of transport', () => {
  const opened = { terminate() {} } as Transport;

  test('gets as many connections as it asks for, and what to say on them', async () => {
    const port = await listen(createTcpServer());
    const url = urlOf(port);
    const asked: unknown[] = [];
    const memory = newMemory();
    const open: OpenTransport = async (way) => {
      for (const { socket, isPrivate } of [await way.connect(), await way.connect()]) {
        asked.push([socket.remotePort, isPrivate]);
        socket.destroy();
      }
      asked.push(way.url, way.headers, way.memory);
      return opened;
    };
    const reach = parseReach(url, { headers: { 'X-Name': 'a' } });
    expect(await connectTransport({ url, token: TOKEN, reach }, never, memory, { open })).toBe(opened);
    const headers = { 'user-agent': `wsproxy-client/${VERSION}`, 'X-Name': 'a', authorization: `Bearer ${TOKEN}` };
    expect(asked).toEqual([[port, true], [port, true], url, headers, memory]);
  });

  test('fails in the same words', async () => {
    const url = new URL('ws://127.0.0.1:1/tunnel');
    const server = { url, token: TOKEN, reach: parseReach(url, {}) };
    const failing =
      (error: Error): OpenTransport =>
      () =>
        Promise.reject(error);
    await expect(
      connectTransport(server, never, newMemory(), { open: failing(new RefusedError(401, {})) }),
    ).rejects.toMatchObject({
      name: 'ConnectError',
      permanent: true,
      message: expect.stringContaining('(401)'),
    });
    const isLate: OpenTransport = (_way, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')));
      });
    await expect(connectTransport(server, never, newMemory(), { open: isLate, timeout: 50 })).rejects.toMatchObject({
      permanent: false,
      message: expect.stringContaining('no answer from 127.0.0.1:1 within 0.05 s'),
    });
  });
});

describe('rejects', () => {
  test.each([
    [401, true],
    [404, true],
    [200, true],
    [503, false],
  ])('with what status %i means', async (status, permanent) => {
    const port = await listen(answering(status));
    await expect(dial(urlOf(port))).rejects.toMatchObject({
      name: 'ConnectError',
      permanent,
      message: expect.stringContaining(`(${status})`),
    });
  });

  test('a redirect, and does not follow it', async () => {
    const port = await listen(answering(302, { location: 'https://login.example.org/' }));
    await expect(dial(urlOf(port))).rejects.toMatchObject({
      permanent: true,
      message: expect.stringContaining('https://login.example.org/'),
    });
  });

  test('a WebSocket that does not speak the subprotocol', async () => {
    const { port } = await upgrading(false);
    await expect(dial(urlOf(port))).rejects.toMatchObject({
      permanent: true,
      message: expect.stringContaining('not a wsproxy-server'),
    });
  });

  test('what is not HTTP', async () => {
    const port = await listen(createTcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n')));
    await expect(dial(urlOf(port))).rejects.toMatchObject({
      permanent: true,
      message: expect.stringContaining('not HTTP'),
    });
  });

  test('what does not speak TLS', async () => {
    const port = await listen(answering(400));
    await expect(dial(urlOf(port, 'wss'))).rejects.toMatchObject({
      permanent: true,
      message: expect.stringContaining('does not speak TLS'),
    });
  });

  test('a port where nobody listens, as something that may pass', async () => {
    const port = await listen(createTcpServer());
    server?.close();
    server = undefined;
    await expect(dial(urlOf(port))).rejects.toMatchObject({ permanent: false });
  });

  test('a connection that ends without an answer, as something that may pass', async () => {
    const port = await listen(createTcpServer((socket) => socket.end()));
    await expect(dial(urlOf(port))).rejects.toMatchObject({ permanent: false });
  });
});

describe('an answer that never comes', () => {
  const dialBriefly = (url: URL): ReturnType<typeof connectTransport> =>
    connectTransport({ url, token: TOKEN, reach: parseReach(url, {}) }, never, newMemory(), { timeout: 300 });

  /** Says `piece` as long as somebody listens; resolves with how many bytes were said. */
  async function endless(piece: string, pause: number): Promise<{ port: number; said: Promise<number> }> {
    let tell: (bytes: number) => void = () => {};
    const said = new Promise<number>((resolve) => {
      tell = resolve;
    });
    const port = await listen(
      createTcpServer((socket) => {
        let bytes = 0;
        const timer = setInterval(() => {
          bytes += piece.length;
          socket.write(piece);
        }, pause);
        socket.resume().once('close', () => {
          clearInterval(timer);
          tell(bytes);
        });
      }),
    );
    return { port, said };
  }

  test.each([
    ['interim responses with fields', `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(4000)}\r\n\r\n`],
    ['the smallest interim responses', 'HTTP/1.1 100\r\n\r\n'.repeat(200)],
    ['an interim response with a long reason', `HTTP/1.1 199 ${'a'.repeat(4000)}\r\n\r\n`],
  ])('but goes on with %s is cut', async (_what, piece) => {
    const { port, said } = await endless(piece, 1);
    await expect(dial(urlOf(port))).rejects.toMatchObject({
      permanent: false,
      message: expect.stringContaining('interim responses'),
    });
    expect(await said).toBeLessThan(1024 * 1024);
  });

  test('since each byte takes its time is cut as late', async () => {
    const { port, said } = await endless('HTTP/1.1 100\r\n\r\n', 30);
    await expect(dialBriefly(urlOf(port))).rejects.toMatchObject({
      permanent: false,
      message: expect.stringContaining('within 0.3 s'),
    });
    await said;
  });

  test('since its head has no end is cut', async () => {
    const port = await listen(
      createTcpServer((socket) => {
        const write = (): void => {
          while (socket.write(`X-A: ${'a'.repeat(1000)}\r\n`));
        };
        socket.write('HTTP/1.1 200 OK\r\n');
        socket.on('drain', write).resume();
        write();
      }),
    );
    await expect(dial(urlOf(port))).rejects.toMatchObject({ name: 'ConnectError' });
  });
});

describe('giving up', () => {
  test('closes a connection that hangs', async () => {
    const closed = new Promise<void>((resolve) => {
      server = createTcpServer((socket) => {
        socket.resume();
        socket.once('close', () => resolve());
      });
    });
    const port = await listen(server as TcpServer);
    const connected = once(server as TcpServer, 'connection');
    const giving = new AbortController();
    const dialled = expect(dial(urlOf(port), giving.signal)).rejects.toMatchObject({ permanent: false });
    await connected;
    giving.abort();
    await dialled;
    await closed;
  });

  test('before it has begun opens nothing', async () => {
    const port = await listen(createTcpServer());
    let connections = 0;
    server?.on('connection', () => {
      connections += 1;
    });
    await expect(dial(urlOf(port), AbortSignal.abort())).rejects.toMatchObject({ permanent: false });
    expect(connections).toBe(0);
  });

  test('once it is open means nothing any more', async () => {
    const { port, accepted } = await upgrading();
    const giving = new AbortController();
    const transport = await dial(urlOf(port), giving.signal);
    giving.abort();
    const arrived = once(await accepted, 'message');
    transport.send([Buffer.from('still here')]);
    expect(String((await arrived)[0])).toBe('still here');
    transport.terminate();
  });
});

describe('a token that is asked for', () => {
  const OLD = 'o'.repeat(32);
  const NEW = 'n'.repeat(32);
  const url = new URL('ws://127.0.0.1:1/');
  /** The tokens that the server was shown; it takes the new one alone. */
  const shown: unknown[] = [];
  const open: OpenTransport = ({ headers }) => {
    shown.push(headers['authorization']);
    if (headers['authorization'] === `Bearer ${NEW}`) return Promise.resolve('a transport' as unknown as Transport);
    return Promise.reject(new RefusedError(401, {}));
  };
  const connect = (token: TokenSource, signal: AbortSignal = never): Promise<Transport> => {
    shown.length = 0;
    return connectTransport({ url, token, reach: parseReach(url, {}) }, signal, newMemory(), { open });
  };

  test('is asked for with every connection', async () => {
    let asked = 0;
    const token = (): string => {
      asked += 1;
      return NEW;
    };
    await connect(token);
    await connect(token);
    expect([asked, shown]).toEqual([2, [`Bearer ${NEW}`]]);
  });

  test('is asked for again at once when the server refuses it, and told which one that was', async () => {
    const token = vi.fn(async (refused?: string) => (refused === OLD ? NEW : OLD));
    expect(await connect(token)).toBe('a transport');
    expect(token.mock.calls).toEqual([[undefined], [OLD]]);
    expect(shown).toEqual([`Bearer ${OLD}`, `Bearer ${NEW}`]);
  });

  test('is not tried again when it is still the same, or the second one is refused too', async () => {
    const refused = { message: expect.stringMatching(/refused the token/), permanent: true, status: 401 };
    await expect(connect(() => OLD)).rejects.toMatchObject(refused);
    expect(shown).toHaveLength(1);
    await expect(connect((last) => (last === undefined ? OLD : 'x'.repeat(32)))).rejects.toMatchObject(refused);
    expect(shown).toHaveLength(2);
  });

  test.each<[string, TokenSource, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('the keyring is locked');
      },
      /^the keyring is locked$/,
    ],
    ['rejects', () => Promise.reject(new Error('the keyring is locked')), /^the keyring is locked$/],
    ['gives a token that is none', () => 'short', /^the token has 5 characters/],
    ['gives nothing', () => undefined as unknown as string, /^the token is no string$/],
  ])('that %s is why there is no connection for now', async (_what, token, message) => {
    await expect(connect(token)).rejects.toMatchObject({ message: expect.stringMatching(message), permanent: false });
    expect(shown).toEqual([]);
  });

  test('is not waited for once the attempt is given up', async () => {
    const attempt = new AbortController();
    const connecting = connect(() => new Promise(() => {}), attempt.signal);
    attempt.abort();
    await expect(connecting).rejects.toMatchObject({ message: 'given up', permanent: false });
  });
});

describe('a proxy that says 200 and gives a page', () => {
  test.each([
    ['ws', /^the answer is not HTTP: .* begin with wss:\/\/$/],
    ['wss', /^what answers does not speak TLS: .* begin with ws:\/\/$/],
  ])('is told as that, no matter what it does behind the page, for %s', async (scheme, told) => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>log in</html>';
    const proxy = `http://127.0.0.1:${await listen(createTcpServer((socket) => socket.once('data', () => socket.end(answer))))}`;
    const url = new URL(`${scheme}://tunnel.example/`);
    const reach = parseReach(url, { proxy, insecure: true });
    const error: unknown = await connectTransport({ url, token: TOKEN, reach }, never, newMemory()).catch((e) => e);
    expect(error).toMatchObject({ code: 'NOT_A_SERVER', permanent: true, message: expect.stringMatching(told) });
    expect((error as Error).message).toContain(`a page of the proxy ${proxy} in its place`);
  });
});
