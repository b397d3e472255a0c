import { describe, expect, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { launch, readyPort, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { httpResponse } from 'wsproxy-test-support/sockets/answering';
import {
  askConnect,
  askPlain,
  askSocks4a,
  askSocks5,
  bySocks5,
  connectTo,
  readBytes,
  readHead,
  readToEnd,
} from 'wsproxy-test-support/sockets/application';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = 'example.org';

/** The program with a local port, no matter what the server does. */
async function startAt(serverPort: number, ...args: string[]) {
  const url = `ws://127.0.0.1:${serverPort}/`;
  const program = launch('wsproxy-client', [url, '--listen', '0', '--log-format', 'json', ...args]);
  return { program, port: await readyPort(program) };
}

/** A server that takes connections, and refuses the token of each when it is told to. */
async function startRefusing() {
  let refuse = (): void => {};
  const told = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const { port } = await listen((socket) => {
    void readHead(socket).then(
      () => told.then(() => socket.end(httpResponse('401 Unauthorized'))),
      () => socket.destroy(),
    );
  });
  return { port, refuse };
}

describe('while no server has ever answered', () => {
  test('a request waits, and is served by the server that comes', async () => {
    const [echo, serverPort] = [await startEcho(), await freePort()];
    const { program, port } = await startAt(serverPort);
    const asking = bySocks5(port, '127.0.0.1', echo.port);
    await program.untilStderr(/ECONNREFUSED/);
    await startServer({}, serverPort);
    const socket = await asking;
    socket.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
  });

  test('a request is answered that there is no tunnel, in the words of its protocol', async () => {
    const { port } = await startAt(await freePort());
    const [socks5, socks4a, connect, plain] = await Promise.all([
      askSocks5(port, HOST, 80),
      askSocks4a(port, HOST, 80),
      askConnect(port, HOST, 443),
      askPlain(port, HOST, 80),
    ]);
    expect([socks5[0], socks4a[0], connect[0], plain[0]]).toEqual([1, 0x5b, 503, 503]);
  });

  test('a refusal ends the program with exit code 1, and who waits has an answer', async () => {
    const server = await startRefusing();
    const { program, port } = await startAt(server.port, '--status', '0');
    const page = await program.untilStderr(/"url":"(http:[^"]+)"[^\n]*"status page"/);
    const asking = Promise.all([askSocks5(port, HOST, 80), askConnect(port, HOST, 443), askPlain(port, HOST, 80)]);
    const idle = await connectTo(port);
    const idleEnds = readToEnd(idle);
    await until('all of them wait', async () => {
      const status = (await (await fetch(`${page}status.json`)).json()) as { readonly channelCount: number };
      return status.channelCount === 3;
    });
    server.refuse();
    const [socks5, connect, plain] = await asking;
    expect([socks5[0], connect[0], plain[0]]).toEqual([1, 503, 503]);
    for (const [, socket] of [socks5, connect, plain]) {
      expect(await readToEnd(socket)).toMatchObject({ by: 'end' });
      socket.end();
    }
    expect(await idleEnds).toEqual({ bytes: 0, by: 'reset' });
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(/wsproxy-client: [^\n]*the server refused the token \(401\)[^\n]*\n$/);
    expect(code).toBe(1);
  });

  test('a refusal that comes before all else ends the program with exit code 1, however often', async () => {
    const { port } = await startServer({ token: 'another-token-0123456789-0123456789' });
    const args = [`ws://127.0.0.1:${port}/`, '--listen', '0', '--status', '0'];
    const programs = Array.from({ length: 4 }, () => launch('wsproxy-client', args));
    const ends = await Promise.all(programs.map(({ ended }) => ended));
    expect(ends.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
  });
});

describe('createClient', () => {
  test('has its local port before it is started, and serves what came before', async () => {
    const [echo, { port: serverPort }] = [await startEcho(), await startServer()];
    const client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN });
    atEnd(() => client.close());
    const { address } = await client.listen({ port: 0 });
    const asking = bySocks5(address.port, '127.0.0.1', echo.port);
    await client.start();
    const socket = await asking;
    socket.end('hello');
    expect(await readToEnd(socket)).toEqual({ bytes: 5, by: 'end' });
  });

  test('with a token that the server refuses fails a connection at once, and says why', async () => {
    const { port } = await startServer({ token: 'another-token-0123456789-0123456789' });
    const client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN });
    atEnd(() => client.close());
    await expect(client.connect(`${HOST}:80`, { timeout: 4_000 })).rejects.toMatchObject({
      code: 'TUNNEL_DOWN',
      message: expect.stringMatching(/^example\.org:80: tunnel down: the server refused the token \(401\)/),
      cause: { code: 'TOKEN_REFUSED', permanent: true, status: 401, cause: expect.any(Error) },
    });
  });

  test('whose server is away says so when a connection has waited long enough', async () => {
    const client = createClient({ url: `ws://127.0.0.1:${await freePort()}/`, token: TOKEN });
    atEnd(() => client.close());
    await expect(client.connect(`${HOST}:80`)).rejects.toMatchObject({
      code: 'TUNNEL_DOWN',
      message: expect.stringContaining('ECONNREFUSED'),
      cause: { code: 'UNREACHABLE', cause: { code: 'ECONNREFUSED' } },
    });
  });

  test('that was closed says so, and opens no port any more', async () => {
    const client = createClient({ url: `ws://127.0.0.1:${await freePort()}/`, token: TOKEN });
    const waiting = client.connect(`${HOST}:80`).catch((error: Error) => error);
    const opening = client.listen({ port: 0 }).catch((error: Error) => error);
    await client.close();
    const closed = { code: 'CANCELLED', cause: { code: 'CLOSED' } };
    expect(await waiting).toMatchObject(closed);
    await expect(client.connect(`${HOST}:80`)).rejects.toMatchObject(closed);
    expect(await opening).toMatchObject({ code: 'CLOSED' });
    await expect(client.listen({ port: 0 })).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
