import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startUnresponsive } from 'wsproxy-test-support/destinations/unresponsive';
import { askConnect, askPlain, askSocks5 } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startServer, startTunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** RFC 6761 section 6.4: never resolves. */
const NO_SUCH_NAME = 'no-such-name.invalid';

/** What SOCKS5, CONNECT and a plain request through the proxy are answered, asked at the same time. */
async function askAll(port: number, host: string, hostPort: number): Promise<number[]> {
  const answers = [askSocks5, askConnect, askPlain].map(async (ask) => {
    const [answer, socket] = await ask(port, host, hostPort);
    socket.destroy();
    return answer;
  });
  return Promise.all(answers);
}

/** What `--bypass` names is dialled by the client itself, and told in the same way. */
const WAYS: [string, TunnelOptions][] = [
  ['through the tunnel', {}],
  ['past the tunnel', { client: { bypass: ['*'] }, server: { allowPrivate: false } }],
];

describe.each(WAYS)('the reply to a local application, %s,', (_way, options) => {
  test('is 05 and 502 when the destination refuses', async () => {
    const [{ port }, closedPort] = [await startTunnel(options), await freePort()];
    expect(await askAll(port, '127.0.0.1', closedPort)).toEqual([0x05, 502, 502]);
    expect(await askAll(port, 'localhost', closedPort)).toEqual([0x05, 502, 502]);
  });

  test('is 04 and 502 when the name does not resolve', async () => {
    const { port } = await startTunnel(options);
    expect(await askAll(port, NO_SUCH_NAME, 80)).toEqual([0x04, 502, 502]);
  });
});

// Both at the same time: each takes these 10 s.
test('I8 the reply is 06 and 504 when the destination does not answer for 10 s, through the tunnel and past it', async () => {
  const silentPort = await startUnresponsive();
  await Promise.all(
    WAYS.map(async ([way, options]) => {
      const { port } = await startTunnel(options);
      expect(await askAll(port, '127.0.0.1', silentPort), way).toEqual([0x06, 504, 504]);
    }),
  );
});

describe('the reply to a local application', () => {
  test.each(['127.0.0.1', 'localhost', '169.254.169.254', '10.0.0.1'])(
    'is 02 and 403 when the server does not allow the destination: %s',
    async (host) => {
      const echo = await startEcho();
      const { port } = await startTunnel({ server: { allowPrivate: false } });
      expect(await askAll(port, host, echo.port)).toEqual([0x02, 403, 403]);
      expect(echo.sockets.size).toBe(0);
    },
  );

  test('is 02 and 403 for the server itself, even when local destinations are allowed', async () => {
    const { port, serverPort } = await startTunnel();
    expect(await askAll(port, '127.0.0.1', serverPort)).toEqual([0x02, 403, 403]);
  });

  test('is 01 and 503 when the tunnel has been down for 5 s', async () => {
    const { server, client, port } = await startTunnel();
    await server.close();
    await until('the client has noticed', () => client.state !== 'online');
    const start = performance.now();
    expect(await askAll(port, '127.0.0.1', 80)).toEqual([0x01, 503, 503]);
    const waited = performance.now() - start;
    expect(waited).toBeGreaterThan(4_900);
    expect(waited).toBeLessThan(7_000);
  });

  test('waits for the tunnel when it comes back within 5 s', async () => {
    const echo = await startEcho();
    const { server, serverPort, client, port } = await startTunnel();
    await server.close();
    await until('the client has noticed', () => client.state !== 'online');
    const answers = Promise.all([askSocks5(port, '127.0.0.1', echo.port), askConnect(port, '127.0.0.1', echo.port)]);
    await startServer({}, serverPort);
    const [[reply, socksSocket], [status, connectSocket]] = await answers;
    expect([reply, status]).toEqual([0, 200]);
    socksSocket.destroy();
    connectSocket.destroy();
  });
});
