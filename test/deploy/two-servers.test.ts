import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { startCaddy } from 'wsproxy-test-support/programs/caddy';
import { start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { startHaproxy } from 'wsproxy-test-support/programs/haproxy';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import { run } from 'wsproxy-test-support/programs/program';
import type { Place } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/** The block of docs/deploy.md for this reverse proxy. */
function lines(language: string, port: number): string {
  const [block = '', ...more] = codeBlocks('deploy.md', language);
  expect(more).toEqual([]);
  expect(block).toContain('127.0.0.1:8082');
  return block.replace('127.0.0.1:8082', `127.0.0.1:${port}`);
}

/** Puts `added` before what is `there`, which is there once. */
function before(text: string, there: string, added: string): string {
  expect(text.split(there)).toHaveLength(2);
  return text.replace(there, () => added + there);
}

/** How each is told of a second server, which listens on `port`, as docs/deploy.md says. */
const PROXIES = {
  caddy: (place: Place, port: number) =>
    startCaddy(place, (text) => before(text, '\thandle /tunnel {', lines('caddyfile', port))),
  nginx: (place: Place, port: number) =>
    startNginx(place, (text) => before(text, '        location = /tunnel {', lines('nginx', port))),
  haproxy: (place: Place, port: number) =>
    startHaproxy(place, (text) => {
      const [rules = '', backend = ''] = lines('haproxy', port).split(/^(?=backend)/m);
      const former = /^ *http-request return .*\n/m;
      expect(text).toMatch(former);
      return `${text.replace(former, rules)}\n${backend}`;
    }),
};

describe.each(Object.entries(PROXIES))('two servers behind %s', (program, startProxy) => {
  skipUnlessInstalled(program);
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  test('have a path each', async () => {
    const folder = temporaryFolder();
    const words = ['--trusted-proxy', '127.0.0.1', '--path'];
    const [certificate, port, one, two] = await Promise.all([
      makeCertificate(folder, 'DNS:localhost', 1),
      freePort(),
      start('wsproxy-server', ['--name', 'one', ...words, '/tunnel']),
      start('wsproxy-server', ['--name', 'two', ...words, '/two']),
    ]);
    await startProxy({ folder, port, serverPort: one.port, certificate }, two.port);
    for (const [path, { program: server }] of [
      ['/tunnel', one],
      ['/two', two],
    ] as const) {
      const webSocket = new WebSocket(`wss://localhost:${port}${path}`, ['wsproxy.v1'], {
        headers: { authorization: `Bearer ${TOKEN}` },
        ca: certificate.cert,
      });
      await once(webSocket, 'open');
      webSocket.close();
      // Who leaves without a greeting is told of by the server that was reached, under its name.
      await server.untilStderr(
        new RegExp(`"server":"${server === one.program ? 'one' : 'two'}"[^\\n]*"refused a session"`),
      );
    }
    const { stdout } = await run('curl', [
      '-ks',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `https://localhost:${port}/`,
    ]);
    expect(stdout).toBe('404');
  });
});
