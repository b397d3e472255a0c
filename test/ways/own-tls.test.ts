import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { createServer as createHttps, get } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type ClientOptions, createClient } from 'wsproxy-client';
import type { ServerOptions } from 'wsproxy-server';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { expectCarried } from './carries.js';

const SIZE = 8 * 1024 * 1024;

/** A server with TLS of its own, and what a client needs to reach it. */
async function startSecure(options: Partial<ServerOptions> = {}) {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const versions: string[] = [];
  const authenticate: ServerOptions['authenticate'] = ({ headers, httpVersion }) => {
    if (headers.authorization !== `Bearer ${TOKEN}`) return undefined;
    versions.push(httpVersion);
    return { id: 'ada' };
  };
  const { server, port } = await startServer({ tls: { cert, key }, authenticate, ...options });
  return { server, cert, port, versions, url: `wss://localhost:${port}/` };
}

/** A client that is connected, with a local port. */
async function startClient(url: string, options: Partial<ClientOptions>) {
  const ways: unknown[] = [];
  const log = (fields: { way?: unknown }, message: string): void => {
    if (message === 'connected to the server') ways.push(fields.way);
  };
  const logger = { debug: log, info: log, warn: log, error: log };
  const client = createClient({ url, token: TOKEN, logger, ...options });
  atEnd(() => client.close());
  await client.start();
  const { address } = await client.listen({ port: 0 });
  return { client, port: address.port, ways };
}

describe('a server with TLS of its own', () => {
  test.each([
    ['h2', 'WebSocket over HTTP/2', '2.0'],
    ['http', 'HTTP', '1.1'],
  ] as const)('is reached with --transport %s, which carries', async (transport, way, version) => {
    const { url, cert, versions } = await startSecure();
    const { port, ways } = await startClient(url, { transport, ca: cert });
    expect(ways).toEqual([way]);
    await expectCarried(port, SIZE);
    expect(new Set(versions)).toEqual(new Set([version]));
  });

  test('is reached by a WebSocket of HTTP/1.1 unless told otherwise', async () => {
    const { url, cert, versions } = await startSecure();
    const { ways } = await startClient(url, { ca: cert });
    expect([ways, versions]).toEqual([[undefined], ['1.1']]);
  });

  test('keeps the pin of its key by HTTP/2', async () => {
    const { url, cert, server } = await startSecure();
    const client = createClient({
      ...{ url, token: TOKEN, ca: cert, transport: 'h2' },
      pins: [`sha256//${Buffer.alloc(32).toString('base64')}`],
    });
    atEnd(() => client.close());
    await expect(client.start()).rejects.toThrow('no pin says so');
    expect(server.sessionCount).toBe(0);
  });

  test('speaks HTTP/1.1 to anyone who does not choose HTTP/2', async () => {
    const { url, cert } = await startSecure();
    const answer = await new Promise<unknown>((resolve, reject) => {
      const asked = get(url.replace('wss', 'https'), { ca: cert }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, version: response.httpVersion });
      });
      asked.on('error', reject);
    });
    expect(answer).toEqual({ status: 401, version: '1.1' });
  });

  test('closes a connection of HTTP/2 whose transport is over', async () => {
    const { url, cert, port } = await startSecure({ limits: { upgradeTimeout: 500 } });
    const session = connectHttp2(`https://localhost:${port}`, { ca: cert });
    atEnd(() => session.destroy());
    const closed = new Promise<void>((resolve) => session.once('close', resolve));
    const stream = session.request({
      ':method': 'POST',
      authorization: `Bearer ${TOKEN}`,
      'wsproxy-transport': `${'a'.repeat(22)};open`,
    });
    stream.on('error', () => {});
    await new Promise<void>((resolve) => stream.once('data', () => resolve()));
    stream.close();
    await closed;
    const { port: local } = await startClient(url, { transport: 'h2', ca: cert });
    await expectCarried(local, 1024);
  });
});

test.each([
  ['h2', 'WebSocket over HTTP/2'],
  ['http', 'HTTP'],
])(
  '--transport %s comes to any of four workers with TLS, and is led to the one that has the session',
  async (transport, way) => {
    const { cert, file, folder } = await inFolder();
    const server = await start('wsproxy-server', [
      ...['--allow-private', '--workers', '4', '--log-level', 'debug'],
      ...['--tls-cert', `${folder}/cert`, '--tls-key', `${folder}/key`],
    ]);
    expect(cert).toContain('CERTIFICATE');
    const url = `wss://localhost:${server.port}/`;
    const args = [url, '--transport', transport, '--connections', '4'];
    const client = await start('wsproxy-client', args, { env: { NODE_EXTRA_CA_CERTS: file } });
    await expectCarried(client.port, SIZE);
    expect(client.program.stderr).toContain(`"way":"${way}"`);
    expect(server.program.stderr).not.toContain('"level":"error"');
  },
);

async function inFolder() {
  const folder = temporaryFolder();
  return { folder, ...(await makeCertificate(folder, 'DNS:localhost', 1)) };
}

test('--transport h2 with a URL that has no TLS is refused in one line', () => {
  expect(() => createClient({ url: 'ws://localhost:1/', token: TOKEN, transport: 'h2' })).toThrow(
    'transport: h2 is spoken in TLS alone: it needs a wss:// URL, not ws://localhost:1/',
  );
});

describe('--transport h2 to a server that has none of it', () => {
  test.each([
    ['that speaks no HTTP/2', (pair: TlsOptions) => createHttps(pair), 'the server does not speak HTTP/2'],
    ['that takes no WebSockets over it', createSecureServer, 'the server takes no WebSockets over HTTP/2 (RFC 8441)'],
  ])('ends the client with one line that says what helps: %s', async (_, create, what) => {
    const { key, cert, file } = await inFolder();
    const { port } = await listenOn(create({ key, cert }));
    const url = `wss://localhost:${port}/`;
    const args = [url, '--listen', '127.0.0.1:0', '--transport', 'h2'];
    const { code, stderr } = await runCommand('wsproxy-client', args, { env: { NODE_EXTRA_CA_CERTS: file } });
    expect(code).toBe(1);
    expect(stderr).toContain(`wsproxy-client: ${url}: ${what}: --transport auto finds another way\n`);
    expect(stderr).not.toContain('WARN');
  });
});
