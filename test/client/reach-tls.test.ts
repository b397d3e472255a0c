import { writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const NAME = 'tunnel.example';

async function certificate(names = `DNS:${NAME}`, days = 1) {
  const folder = temporaryFolder();
  const { cert, file } = await makeCertificate(folder, names, days);
  return { cert, file, key: join(folder, 'key') };
}

/** The pin as curl's manual tells people to make it. */
async function pinOf(file: string): Promise<string> {
  const steps =
    'openssl x509 -pubkey -noout -in "$1" | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64';
  return `sha256//${(await run('sh', ['-c', steps, 'sh', file])).stdout.trim()}`;
}

/** A server that speaks TLS itself, and what leads a client to it under its name. */
async function startTls(of: { file: string; key: string }, more: string[] = []) {
  const { port } = await start('wsproxy-server', ['--tls-cert', of.file, '--tls-key', of.key, ...more]);
  return { url: `wss://${NAME}:${port}/`, resolve: ['--resolve', `${NAME}:${port}:127.0.0.1`], port };
}

async function expectEnd(args: string[], line: RegExp, expected = 1): Promise<void> {
  const { code, stderr } = await runCommand('wsproxy-client', [...args, '--listen', '0', '--log-level', 'error']);
  expect(stderr).toMatch(/^wsproxy-client: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(code).toBe(expected);
}

describe('TLS to the server', () => {
  skipUnlessInstalled('openssl');

  test('trusts --ca, and no authority otherwise', async () => {
    const own = await certificate();
    const { url, resolve } = await startTls(own);
    await expectEnd([url, ...resolve], /not trusted.*--ca/);
    await start('wsproxy-client', [url, ...resolve, '--ca', own.file]);
  });

  test('takes the public key of a --pin, one of several, and no other', async () => {
    const own = await certificate();
    const { url, resolve } = await startTls(own);
    const [pin, other] = [await pinOf(own.file), `sha256//${'A'.repeat(43)}=`];
    const args = [url, ...resolve, '--ca', own.file];
    await start('wsproxy-client', [...args, '--pin', other, '--pin', pin]);
    await expectEnd(
      [...args, '--pin', other],
      new RegExp(`not trusted: its public key is ${pin.replaceAll(/[+/]/g, '\\$&')}`),
    );
    // The chain counts beside it.
    await expectEnd([url, ...resolve, '--pin', pin], /not trusted.*--ca/);
  });

  test('expects the name of the URL, or that of --sni', async () => {
    const own = await certificate('DNS:other.example');
    const { url, resolve } = await startTls(own);
    await expectEnd([url, ...resolve, '--ca', own.file], /not trusted.*another name.*--sni/);
    await start('wsproxy-client', [url, ...resolve, '--ca', own.file, '--sni', 'other.example']);
  });

  test('refuses a certificate that has expired', async () => {
    const own = await certificate(`DNS:${NAME}`, -1);
    const { url, resolve } = await startTls(own);
    await expectEnd([url, ...resolve, '--ca', own.file], /not trusted.*has expired/);
  });

  test('asks for the name in TLS, and sends --host and --header', async () => {
    const { key, cert, file } = await makeCertificate(temporaryFolder(), 'DNS:other.example', 1);
    const seen: unknown[] = [];
    const onName = (name: string, done: (error: Error | null) => void): void => {
      seen.push(name);
      done(null);
    };
    const server = createTlsServer({ key, cert, SNICallback: onName });
    server.on('request', (request, response) => {
      seen.push(request.headers.host, request.headers['x-name']);
      response.writeHead(404).end();
    });
    const { port } = await listenOn(server);
    const more = [
      '--transport',
      'ws',
      '--host',
      'front.example',
      '--sni',
      'other.example',
      '--header',
      'X-Name:  a: value',
      '-4',
    ];
    await expectEnd([`wss://127.0.0.1:${port}/`, '--ca', file, ...more], /404/);
    expect(seen).toEqual(['other.example', 'front.example', 'a: value']);
  });

  test('shows the client certificate that a server demands, and tells when there is none', async () => {
    const [own, client] = await Promise.all([certificate(), certificate('DNS:client.example')]);
    const { url, resolve } = await startTls(own, ['--tls-client-ca', client.file]);
    const args = [url, ...resolve, '--ca', own.file];
    await start('wsproxy-client', [...args, '--cert', client.file, '--key', client.key]);
    await expectEnd(args, /wants a client certificate: give --cert and --key/);
  });
});

describe('a mistake in what reaches the server is one line', () => {
  test.each([
    [
      ['--ca', '/nowhere'],
      /cannot read the file of --ca \(\/nowhere\): no such file; check the path given with --ca$/m,
    ],
    [['--cert', '/dev/null'], /needs its key/],
    [['--header', 'no colon'], /--header: "no colon": expected 'Name: value'/],
    [['--header', 'Authorization: x'], /Authorization cannot be set/],
    [['--header', 'X-A: b\r\nX-B: c'], /X-A has a character/],
    [['--pin', 'sha256//x'], /not a pin/],
    [['--resolve', 'x'], /host:port:address/],
    [['--sni', '127.0.0.1'], /RFC 6066/],
    [['-4', '-6'], /cannot be used with/],
    [['--proxy', 'http://u:hidden@x/y'], /nothing may follow host and port/],
  ])('%j', async (flags, line) => {
    await expectEnd([`wss://${NAME}/`, ...flags], line, 2);
  });

  test('of a file that holds no certificate', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'nothing in it');
    await expectEnd([`wss://${NAME}/`, '--ca', file], /no certificate in PEM/, 2);
  });
});
