import { rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { listenOn } from './listen-on.js';

skipUnlessInstalled('curl');

test.each(['http1.1', 'http2'])(
  'what curl says over TLS and %s is told to scripts, decoded and masked',
  async (version) => {
    const [folder, authority, { port: serverPort }] = [
      temporaryFolder(),
      new Authority('of destinations'),
      await startServer(),
    ];
    atEnd(() => {
      authority.remove();
      rmSync(folder, { recursive: true });
    });
    writeFileSync(join(folder, 'form'), 'user=me&password=hidden');
    const { cert, key } = authority.issue('leaf', 'DNS:localhost');
    const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
      request.resume();
      request.once('end', () => {
        response.writeHead(201, {
          'Content-Type': 'application/json',
          'Content-Encoding': 'br',
          'Set-Cookie': 'sid=hidden',
        });
        response.end(brotliCompressSync('{"token":"hidden","name":"me"}'));
      });
    });
    const site = await listenOn(server as unknown as Server);
    const client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN, ca: authority.cert });
    atEnd(() => client.close());
    await client.inspect({ rules: ['localhost'], folder: join(folder, 'inspect') });
    const [{ address }, status] = [await client.listen({ port: 0 }), await client.serveStatus({ port: 0 })];
    const { code, stderr } = await run('curl', [
      ...[
        '-sS',
        '--noproxy',
        '',
        '-x',
        `socks5h://127.0.0.1:${address.port}`,
        '--cacert',
        join(folder, 'inspect/ca.pem'),
      ],
      ...[`--${version}`, '-u', 'me:hidden', '--data-binary', `@${join(folder, 'form')}`],
      `https://localhost:${site}/login?next=%2F`,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const told = async () => (await fetch(`http://127.0.0.1:${status.address.port}/inspect.ndjson?follow=no`)).text();
    await until('it is told', async () => (await told()) !== '');
    const lines = await told();
    expect(lines).not.toContain('hidden');
    const exchange = JSON.parse(lines);
    expect(exchange).toMatchObject({
      what: 'exchange',
      method: 'POST',
      url: `https://localhost:${site}/login?next=%2F`,
      version: version === 'http2' ? '2' : '1.1',
      status: 201,
      secure: true,
      requestBody: { bytes: 23, text: 'user=me&password=***', mediaType: 'application/x-www-form-urlencoded' },
      responseBody: { text: '{"token":"***","name":"me"}', mediaType: 'application/json' },
    });
    const authorization = exchange.requestHeaders.find(([name]: [string]) => name.toLowerCase() === 'authorization');
    expect(authorization[1]).toBe('Basic ***');
    for (const time of ['sentMs', 'firstByteMs', 'lastedMs']) expect(exchange[time]).toBeGreaterThanOrEqual(0);
  },
);
