import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { Issued } from 'wsproxy-test-support/authority';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { run } from 'wsproxy-test-support/programs/program';
import { startUntilListening } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';
import { type InspectedTunnel, startInspectedTunnel } from './inspected-tunnel.js';

skipUnlessInstalled('curl');

/** Says hello to everybody. */
async function startNginx(folder: string, { cert, key }: Issued): Promise<number> {
  const port = await freePort();
  writeFileSync(join(folder, 'cert'), cert);
  writeFileSync(join(folder, 'key'), key);
  const site = `listen 127.0.0.1:${port} ssl http2; ssl_certificate ${folder}/cert; ssl_certificate_key ${folder}/key;`;
  const http = `access_log off; server { ${site} location / { return 200 'hello'; } }`;
  await startUntilListening('nginx', prepareNginx(folder, `events {} http { ${http} }`), port);
  return port;
}

async function startHaproxy(folder: string, { cert, key }: Issued): Promise<number> {
  const port = await freePort();
  writeFileSync(join(folder, 'pem'), cert + key);
  const file = join(folder, 'haproxy.cfg');
  const lines = [
    ...['defaults', 'mode http', 'timeout client 20s', 'timeout http-request 1s', 'frontend site'],
    `bind 127.0.0.1:${port} ssl crt ${folder}/pem alpn h2,http/1.1`,
    ...['http-request return status 200 content-type text/plain string hello', ''],
  ];
  writeFileSync(file, lines.join('\n'));
  await startUntilListening('haproxy', ['-f', file], port);
  return port;
}

/** By a connection of its own. */
async function open({ client, ca }: InspectedTunnel, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = await client.connect({ host: 'localhost', port });
  const names = { servername: 'localhost', ALPNProtocols: ['http/1.1'] };
  return connect({ socket, ca: readFileSync(ca), ...names, ...options });
}

describe.each([
  ['nginx', startNginx],
  ['haproxy', startHaproxy],
] as const)('%s as a destination', (program, start) => {
  skipUnlessInstalled(program);

  test.each(['1.2', '1.3'] as const)(
    'is looked into over TLS %s, also in a session that is resumed',
    async (version) => {
      const tunnel = await startInspectedTunnel(['localhost']);
      const port = await start(tunnel.folder, tunnel.issue('DNS:localhost'));
      const url = `https://localhost:${port}/`;
      const usual = ['-sS', '--noproxy', '', '-x', `http://127.0.0.1:${tunnel.port}`, '--cacert', tunnel.ca];
      expect(await run('curl', [...usual, '--http2', '--tls-max', version, url])).toMatchObject({ stdout: 'hello' });
      let session: Buffer | undefined;
      for (const isReused of [false, true]) {
        const socket = await open(tunnel, port, { maxVersion: `TLSv${version}`, session });
        // Of TLS 1.2 it comes with the handshake, of TLS 1.3 afterwards.
        socket.on('session', (given: Buffer) => {
          session = given;
        });
        await once(socket, 'secureConnect');
        expect([socket.getProtocol(), socket.isSessionReused()]).toEqual([`TLSv${version}`, isReused]);
        socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
        expect(await text(socket)).toMatch(/hello$/);
      }
      expect(tunnel.watcher.lines).toEqual([`GET ${url} 200`, `GET ${url} 200`, `GET ${url} 200`]);
      expect(tunnel.watcher.exchanges.map((exchange) => exchange.version)).toEqual(['2', '1.1', '1.1']);
      expect(tunnel.watcher.passed).toEqual([]);
    },
  );
});

test('haproxy that ends a connection without a request is nothing to be told', async (context) => {
  skipWithout(context, 'haproxy');
  const tunnel = await startInspectedTunnel(['localhost']);
  const port = await startHaproxy(tunnel.folder, tunnel.issue('DNS:localhost'));
  const socket = await open(tunnel, port, {});
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
  await until('it is over', () => tunnel.client.channelCount === 0);
  expect([tunnel.watcher.passed, tunnel.watcher.exchanges]).toEqual([[], []]);
});
