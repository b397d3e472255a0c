import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { beforeEach, describe, expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { type Certificate, makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('openssl');
skipUnlessInstalled('curl');

const SIZE = 50 * 1024 * 1024;
let folder: string;
let first: Certificate;

beforeEach(async () => {
  folder = temporaryFolder();
  first = await newCertificate();
  install(first);
});

function newCertificate(days = 90): Promise<Certificate> {
  return makeCertificate(temporaryFolder(), 'IP:127.0.0.1', days);
}

const inFolder = (name: string) => join(folder, name);

/** As certbot does: the new files take the place of the old ones. */
function install({ cert, key }: { readonly cert: string; readonly key: string }): void {
  for (const [name, content] of Object.entries({ cert, key })) {
    writeFileSync(inFolder('new'), content);
    renameSync(inFolder('new'), inFolder(name));
  }
}

function startServer(...args: string[]) {
  return start('wsproxy-server', ['--allow-private', ...filesFor(), ...args]);
}

const filesFor = () => ['--tls-cert', inFolder('cert'), '--tls-key', inFolder('key')];

function startClient(port: number, ca: Certificate) {
  return start('wsproxy-client', [`wss://127.0.0.1:${port}/`], { env: { NODE_EXTRA_CA_CERTS: ca.file } });
}

function curl(port: number, ca: Certificate, ...args: string[]) {
  const url = `https://127.0.0.1:${port}/`;
  return run('curl', ['--silent', '--show-error', '--cacert', ca.file, ...args, url]);
}

/** The certificate that a new handshake gets to see, in PEM form. */
async function servedAt(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  atEnd(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const { raw } = socket.getPeerCertificate(true) as DetailedPeerCertificate;
  socket.destroy();
  return raw.toString('base64');
}

const bodyOf = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '');

describe('TLS', () => {
  test('carries the tunnel of a client that trusts the certificate', async () => {
    const [server, files] = await Promise.all([startServer(), startWebFiles()]);
    const client = await startClient(server.port, first);
    const proxy = ['-x', `socks5h://127.0.0.1:${client.port}`, '--silent', '--fail', '--output', inFolder('file')];
    expect(await run('curl', [...proxy, `http://127.0.0.1:${files.port}/tls/${SIZE}`])).toMatchObject({ code: 0 });
    expect(await sha256OfFile(inFolder('file'))).toBe(await sha256OfKeystream('tls', SIZE));
    expect(server.program.stderr).toMatch(/"expires":"[^"]+"[^\n]*"TLS is served"/);
  });

  test.each([
    ['--http1.1', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 426 Upgrade Required'],
    // There is no Upgrade (RFC 9113 section 8.6).
    ['--http2', 'HTTP/2 404 ', 'HTTP/2 400 '],
  ])('answers strangers like HTTP does, for curl %s', async (version, lost, right) => {
    const { port } = await startServer('--path', '/tunnel');
    expect((await curl(port, first, '--include', version)).stdout.split('\r\n')[0]).toBe(lost);
    const known = ['--header', `Authorization: Bearer ${TOKEN}`, '--request-target', '/tunnel'];
    expect((await curl(port, first, '--include', version, ...known)).stdout.split('\r\n')[0]).toBe(right);
  });

  test.each(['1.0', '1.1'])('%s is refused', async (version) => {
    const { port } = await startServer();
    // The local OpenSSL would refuse as well, unless told to lower its standards.
    const old = ['--tlsv1.0', '--tls-max', version, '--ciphers', 'DEFAULT@SECLEVEL=0'];
    const { code, stdout, stderr } = await curl(port, first, ...old);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 35,
      stdout: '',
      stderr: expect.stringMatching(/protocol version/),
    });
  });

  test('1.2 is accepted', async () => {
    const { port } = await startServer();
    expect(await curl(port, first, '--tls-max', '1.2', '--write-out', '%{http_code}')).toMatchObject({ code: 0 });
  });

  test('does not answer plain HTTP, and lives on', async () => {
    const { port } = await startServer();
    const plain = await run('curl', ['--silent', `http://127.0.0.1:${port}/`]);
    expect(plain).toMatchObject({ code: 52, stdout: '' });
    expect(await curl(port, first)).toMatchObject({ code: 0 });
  });

  test('lives on after handshakes that break off', async () => {
    const { port } = await startServer();
    for (const bytes of ['16030100a5010000a10303', '16030100050100000100', '00', '150301000202ff']) {
      const socket = connectTcp({ port, host: '127.0.0.1' }).on('error', () => {});
      socket.write(Buffer.from(bytes, 'hex'));
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.resetAndDestroy();
    }
    expect(await curl(port, first)).toMatchObject({ code: 0 });
  });
});

describe('a certificate that is exchanged', () => {
  test('while a download runs is what the next handshake sees, and the download goes on', async () => {
    const [server, files] = await Promise.all([startServer(), startWebFiles()]);
    const client = await startClient(server.port, first);
    // At this rate the download lasts longer than it takes to see the change.
    const slowly = ['--limit-rate', '12M', '--silent', '--show-error', '--fail', '--output', inFolder('file')];
    const proxy = ['-x', `http://127.0.0.1:${client.port}`];
    const download = new Program('curl', [...slowly, ...proxy, `http://127.0.0.1:${files.port}/reload/${SIZE}`]);

    const second = await newCertificate();
    install(second);
    await server.program.untilStderr(/TLS is served with what the files hold now/);
    expect(download.child.exitCode).toBe(null);
    expect(await servedAt(server.port)).toBe(bodyOf(second.cert));
    expect(await curl(server.port, second)).toMatchObject({ code: 0 });
    expect(await download.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(inFolder('file'))).toBe(await sha256OfKeystream('reload', SIZE));
    expect(client.program.stderr).not.toMatch(/"(warn|error)"/);
  });

  test('is read at once on SIGHUP', async () => {
    const { program, port } = await startServer();
    const second = await newCertificate();
    install(second);
    program.signal('SIGHUP');
    await until('the new certificate is served', async () => (await servedAt(port)) === bodyOf(second.cert), 900);
  });

  test.each([
    ['that does not fit the key', async () => ({ cert: (await newCertificate()).cert, key: first.key })],
    ['that is none', async () => ({ cert: 'nonsense', key: first.key })],
  ])('for one %s is told, and the one of before stays', async (_, make) => {
    const { program, port } = await startServer();
    install(await make());
    await program.untilStderr(/"level":"error"[^\n]*the files for TLS cannot be used/);
    expect(await servedAt(port)).toBe(bodyOf(first.cert));
    expect(program.stderr).not.toContain(first.key.slice(40, 80));
  });
});

describe('the end of a certificate', () => {
  test('is told when it is near', async () => {
    install(await newCertificate(13));
    const { program } = await startServer();
    expect(program.stderr).toMatch(/"level":"warn"[^\n]*expires in less than 14 days/);
  });

  test('is no news when it is far', async () => {
    install(await newCertificate(15));
    const { program } = await startServer();
    expect(program.stderr).not.toMatch(/"warn"|"error"/);
  });
});

describe('mutual TLS', () => {
  test('lets in only clients with a certificate of the authority', async () => {
    const client = await newCertificate();
    copyFileSync(client.file, inFolder('ca'));
    writeFileSync(inFolder('client-key'), client.key, { mode: 0o600 });
    const { port, program } = await startServer('--tls-client-ca', inFolder('ca'), '--log-level', 'debug');
    const withIts = ['--cert', client.file, '--key', inFolder('client-key')];
    expect(await curl(port, first, '--write-out', '%{http_code}', ...withIts)).toMatchObject({
      code: 0,
      stdout: 'Unauthorized\n401',
    });

    const without = await curl(port, first, '--write-out', '%{http_code}');
    expect([without.code, without.stdout]).toEqual([expect.toSatisfy((code) => code !== 0), '000']);

    const stranger = await newCertificate();
    writeFileSync(inFolder('stranger-key'), stranger.key, { mode: 0o600 });
    const withOther = ['--cert', stranger.file, '--key', inFolder('stranger-key')];
    const other = await curl(port, first, '--write-out', '%{http_code}', ...withOther);
    expect([other.code, other.stdout]).toEqual([expect.toSatisfy((code) => code !== 0), '000']);
    await program.untilStderr(/a TLS handshake failed/);
  });
});

test('a client whose certificate is revoked while the server runs comes in no more, its running connection stays', async () => {
  const authority = new Authority('root');
  atEnd(() => authority.remove());
  const issued = authority.issue('laptop');
  const write = (name: string, text: string) => writeFileSync(inFolder(name), text, { mode: 0o600 });
  write('ca', authority.cert);
  write('crl', authority.list());
  write('client-cert', issued.cert);
  write('client-key', issued.key);
  const { port, program } = await startServer('--tls-client-ca', inFolder('ca'), '--tls-client-crl', inFolder('crl'));
  const withIts = ['--cert', inFolder('client-cert'), '--key', inFolder('client-key')];
  const env = { NODE_EXTRA_CA_CERTS: first.file };
  const [client, files] = await Promise.all([
    start('wsproxy-client', [`wss://127.0.0.1:${port}/`, ...withIts], { env }),
    startWebFiles(),
  ]);
  const fetchOne = () =>
    run('curl', [
      '--silent',
      '--fail',
      '-x',
      `http://127.0.0.1:${client.port}`,
      `http://127.0.0.1:${files.port}/crl/1000`,
    ]);
  expect(await fetchOne()).toMatchObject({ code: 0 });

  authority.revoke(issued);
  write('crl', authority.list());
  await program.untilStderr(/TLS is served with what the files hold now/);
  const refused = await curl(port, first, ...withIts);
  expect([refused.code, refused.stdout]).toEqual([expect.toSatisfy((code) => code !== 0), '']);
  await program.untilStderr(/"code":"CERT_REVOKED"[^\n]*a TLS handshake failed/);
  expect(await fetchOne()).toMatchObject({ code: 0 });
  const again = launch('wsproxy-client', [`wss://127.0.0.1:${port}/`, ...withIts, '--listen', '127.0.0.1:0'], { env });
  await again.untilStderr(/ended before the answer came: the server may not accept the certificate of --cert/);

  write('crl', '');
  await program.untilStderr(/"level":"error"[^\n]*the files for TLS cannot be used/);
  expect(await curl(port, first, ...withIts)).toMatchObject({ stdout: '' });
});

test('a client with a certificate comes through mutual TLS, one without is told of the handshake', async () => {
  const own = await newCertificate();
  copyFileSync(own.file, inFolder('ca'));
  writeFileSync(inFolder('client-key'), own.key, { mode: 0o600 });
  const { port } = await startServer('--tls-client-ca', inFolder('ca'));
  const url = `wss://127.0.0.1:${port}/`;
  const env = { NODE_EXTRA_CA_CERTS: first.file };
  const client = await start('wsproxy-client', [url, '--cert', own.file, '--key', inFolder('client-key')], { env });
  expect(client.port).toBeGreaterThan(0);

  const without = launch('wsproxy-client', [url, '--listen', '127.0.0.1:0', '--log-format', 'json'], { env });
  await without.untilStderr(/it wants a client certificate/);
  expect(without.stderr).not.toMatch(/"connected to the server"/);
});

describe('wrong usage', () => {
  const cases: [string, () => string[], RegExp][] = [
    ['a certificate without a key', () => ['--tls-cert', inFolder('cert')], /TLS needs both/],
    ['a client CA alone', () => ['--tls-client-ca', inFolder('cert')], /TLS needs both/],
    ['a revocation list alone', () => [...filesFor(), '--tls-client-crl', inFolder('cert')], /needs --tls-client-ca/],
    [
      'a certificate in place of a revocation list',
      () => [...filesFor(), '--tls-client-ca', inFolder('cert'), '--tls-client-crl', inFolder('cert')],
      /--tls-client-crl: the revocation list is not in PEM form/,
    ],
    [
      'no such file',
      () => ['--tls-cert', inFolder('cert'), '--tls-key', inFolder('none')],
      /cannot read the file of --tls-key \(.*none\): no such file; check the path given with --tls-key/,
    ],
    [
      'a key in place of a certificate',
      () => ['--tls-cert', inFolder('key'), '--tls-key', inFolder('key')],
      /--tls-cert: the certificate or the key is not in PEM form/,
    ],
  ];
  test.each(cases)('%s is told in one line', async (_, args, words) => {
    const { code, stderr } = await runCommand('wsproxy-server', args());
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, lines: 1 });
    expect(stderr).toMatch(words);
  });
});
