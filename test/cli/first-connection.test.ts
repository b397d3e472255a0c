import { createServer as createTlsServer } from 'node:https';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { launch, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { httpResponse, startAnswering } from 'wsproxy-test-support/sockets/answering';
import { freePort, listen, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { upgradeAnswer } from 'wsproxy-test-support/wire/fake-server';

const LOGIN_PAGE = '<html>please log in</html>';

/** Exit code 1, and one line that names the cause and the cure. */
async function expectEnd(url: string, line: RegExp, env: Record<string, string> = {}): Promise<void> {
  const { code, stderr } = await runCommand('wsproxy-client', [url, '--listen', '0', '--log-level', 'error'], { env });
  expect(stderr).toMatch(/^wsproxy-client: [^\n]+\n$/);
  expect(stderr).toContain(url);
  expect(stderr).toMatch(line);
  expect(stderr).not.toContain(TOKEN);
  expect(code).toBe(1);
}

describe('the client ends with exit code 1, the cause and the cure, when', () => {
  test('the token is wrong', async () => {
    const { port } = await startServer({ token: 'another-token-0123456789-0123456789' });
    await expectEnd(`ws://127.0.0.1:${port}/`, /refused the token \(401\).*WSPROXY_TOKEN or --token-file/);
  });

  test('the path is wrong', async () => {
    const { port } = await startServer({ path: '/tunnel' });
    await expectEnd(`ws://127.0.0.1:${port}/`, /404.*--path/);
  });

  test.each<[string, string, RegExp]>([
    [
      'E23 a login page answers',
      httpResponse('200 OK', ['Content-Type: text/html'], LOGIN_PAGE),
      /\(200\).*login page/,
    ],
    ['E23 something forbids it', httpResponse('403 Forbidden', [], LOGIN_PAGE), /\(403\).*reverse proxy/],
    ['E23 the upgrade is refused', httpResponse('400 Bad Request'), /\(400\).*version/],
    ['the answer is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /not HTTP.*check the port/],
  ])('%s', async (_when, answer, line) => {
    const { port } = await startAnswering(answer);
    await expectEnd(`ws://127.0.0.1:${port}/`, line);
  });

  test('E23 it is redirected, and the token goes nowhere else', async () => {
    let requests = 0;
    const elsewhere = await listen((socket) => {
      requests += 1;
      socket.destroy();
    });
    const location = `http://127.0.0.1:${elsewhere.port}/elsewhere`;
    const { port } = await startAnswering(httpResponse('301 Moved Permanently', [`Location: ${location}`]));
    await expectEnd(`ws://127.0.0.1:${port}/`, new RegExp(`redirected to "${location}" \\(301\\).*check the URL`));
    expect(requests).toBe(0);
  });

  test('E24 the upgrade is answered by something that has not understood it', async () => {
    const { port } = await startAnswering((head) => upgradeAnswer(head).replace(/(Accept: )./, '$1_'));
    await expectEnd(`ws://127.0.0.1:${port}/`, /not a wsproxy-server.*Sec-WebSocket-Accept/);
  });

  test('E24 the upgrade is answered without the subprotocol', async () => {
    const { port } = await startAnswering((head) => upgradeAnswer(head).replace(/Sec-WebSocket-Protocol.*\r\n/, ''));
    await expectEnd(`ws://127.0.0.1:${port}/`, /not a wsproxy-server.*subprotocol/);
  });

  test('wss:// leads to a port without TLS', async () => {
    const { port } = await startServer();
    await expectEnd(`wss://127.0.0.1:${port}/`, /does not speak TLS.*ws:\/\//);
  });

  describe('the certificate', () => {
    skipUnlessInstalled('openssl');

    async function startTls(name: string, days: number) {
      const { key, cert, file } = await makeCertificate(temporaryFolder(), name, days);
      const { port } = await listenOn(
        createTlsServer({ key, cert }, (_request, answer) => answer.writeHead(404).end()),
      );
      return { url: `wss://127.0.0.1:${port}/`, trusted: { NODE_EXTRA_CA_CERTS: file } };
    }

    test('G14 has signed itself', async () => {
      const { url } = await startTls('IP:127.0.0.1', 1);
      await expectEnd(url, /not trusted.*self-signed.*--ca/);
    });

    test('G14 has expired', async () => {
      const { url, trusted } = await startTls('IP:127.0.0.1', -1);
      await expectEnd(url, /not trusted.*has expired.*renew/, trusted);
    });

    test('G14 is for another host', async () => {
      const { url, trusted } = await startTls('DNS:proxy.example', 1);
      await expectEnd(url, /not trusted.*another name.*URL/, trusted);
    });

    test('is in order, and only the path is not', async () => {
      const { url, trusted } = await startTls('IP:127.0.0.1', 1);
      await expectEnd(url, /404/, trusted);
    });
  });
});

describe('the client goes on trying when', () => {
  test('the server is not there yet', async () => {
    const port = await freePort();
    const client = launch('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--listen', '0', '--log-format', 'json']);
    await client.untilStderr(/ECONNREFUSED/);
    await startServer({}, port);
    await client.untilStderr(/"connected to the server"/);
  });

  test.each(['429 Too Many Requests', '502 Bad Gateway', '503 Service Unavailable'])(
    'J10 a proxy before the server answers %s',
    async (status) => {
      const web = await startAnswering(httpResponse(status));
      const args = [`ws://127.0.0.1:${web.port}/`, '--listen', '0', '--log-format', 'json'];
      const client = launch('wsproxy-client', args);
      await client.untilStderr(new RegExp(`not available \\(${status.slice(0, 3)}\\)`));
      await web.close();
      await startServer({}, web.port);
      await client.untilStderr(/"connected to the server"/);
    },
  );

  test('a server accepts the connection and says nothing', async () => {
    const silent = await listen((socket) => socket.resume());
    const client = launch('wsproxy-client', [
      `ws://127.0.0.1:${silent.port}/`,
      '--listen',
      '0',
      '--log-format',
      'json',
    ]);
    await until('the client has connected', () => silent.sockets.size === 1, 10_000);
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });
});

test('SIGHUP makes the client try at once', async () => {
  const port = await freePort();
  const client = launch('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--listen', '0', '--log-format', 'json']);
  // A pause long enough to tell the difference.
  const pause = Number(await client.untilStderr(/"retryInMs":(\d{5,}|[2-9]\d{3})\D/, 40_000));
  await startServer({}, port);
  const start = performance.now();
  client.signal('SIGHUP');
  await client.untilStderr(/"connected to the server"/);
  expect(performance.now() - start).toBeLessThan(pause / 2);
});
