import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type Ended, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { createCertificate, serverExtensions } from '../../packages/client/src/inspect/ca/certificate.js';
import { type InspectedTunnel, startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';
import { startRecordedTunnel } from './recorded-tunnel.js';

skipUnlessInstalled('curl');
skipUnlessInstalled('openssl');

/** Its exit code, and what it prints. */
async function curl({ port }: InspectedTunnel, ...args: readonly string[]): Promise<Ended> {
  return run('curl', ['-sS', '--noproxy', '', '-x', `socks5h://127.0.0.1:${port}`, ...args]);
}

/** A server over TLS that answers `hello`. */
function startHttps(options: object): Promise<number> {
  return listenOn(
    createHttpsServer(options, (_request, response) => void response.end('hello')).on('tlsClientError', () => {}),
  );
}

describe('a destination that a rule names', () => {
  test('has its own certificate for applications when that cannot be verified, so that they judge it', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const long = 86_400_000;
    const cert = createCertificate({
      subject: 'itself',
      validity: { from: new Date(Date.now() - long), to: new Date(Date.now() + long) },
      publicKey,
      issuer: { subject: 'itself', publicKey, privateKey },
      extensions: serverExtensions(['localhost']),
    });
    const port = await startHttps({ key, cert });
    const url = `https://localhost:${port}/`;
    const refused = await curl(tunnel, '--cacert', tunnel.ca, url);
    expect(refused).toMatchObject({ code: 60, stdout: '' });
    expect(refused.stderr).toMatch(/self.signed certificate/);
    const file = join(tunnel.folder, 'itself.pem');
    writeFileSync(file, cert);
    // An application may know more than the client.
    expect(await curl(tunnel, '--cacert', file, url)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.passed).toEqual(['localhost its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)']);
    expect(tunnel.watcher.exchanges).toEqual([]);
  });

  test('is left alone when its certificate is for another name', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const port = await startHttps(tunnel.issue('DNS:other.example'));
    const { code, stderr } = await curl(tunnel, '--cacert', tunnel.trueCa, `https://localhost:${port}/`);
    expect([code, stderr]).toEqual([60, expect.stringMatching(/no alternative certificate subject name matches/)]);
    expect(tunnel.watcher.passed).toEqual(['localhost its certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)']);
  });

  test('is left alone from the first handshake on that an application refuses', async () => {
    const tunnel = await startInspectedTunnel(['localhost', '127.0.0.1']);
    const port = await startHttps(tunnel.issue('DNS:localhost,IP:127.0.0.1'));
    const url = `https://localhost:${port}/`;
    expect((await curl(tunnel, '--cacert', tunnel.trueCa, url)).code).toBe(60);
    expect(await curl(tunnel, '--cacert', tunnel.trueCa, url)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.passed).toEqual([
      expect.stringMatching(/^localhost the application does not trust the CA \(alert 48\)$/),
    ]);
    // That name alone.
    const address = `https://127.0.0.1:${port}/`;
    expect(await curl(tunnel, '--cacert', tunnel.ca, address)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.lines).toEqual([`GET ${address} 200`]);
  });

  test('is looked into again at a word from the status page', async () => {
    const [folder, authority] = [temporaryFolder(), new Authority('of destinations')];
    atEnd(() => authority.remove());
    const tunnel = await startRecordedTunnel({ trueCa: authority.cert, folder });
    const url = `https://localhost:${await startHttps(authority.issue('site', 'DNS:localhost'))}/`;
    const options = ['-sS', '--noproxy', '', '-x', `socks5h://127.0.0.1:${tunnel.port}`, url];
    expect((await run('curl', options)).code).toBe(60);
    expect((await fetch(`${tunnel.page}/inspect/try-again`, { method: 'POST' })).status).toBe(204);
    expect(await run('curl', ['--cacert', tunnel.ca, ...options])).toMatchObject({ code: 0, stdout: 'hello' });
    expect((await tunnel.seen()).map(({ request }) => request.url)).toEqual([url]);
  });

  test('is looked into still when an application that has trusted the CA leaves amid a handshake', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const site = createHttpsServer(tunnel.issue('DNS:localhost'), (_request, response) => void response.end('hello'));
    let connections = 0;
    let ended = 0;
    site.on('connection', (socket: Socket) => {
      connections += 1;
      socket.once('close', () => {
        ended += 1;
      });
    });
    const port = await listenOn(site.on('tlsClientError', () => {}));
    const args = ['--cacert', tunnel.ca, `https://localhost:${port}/`];
    expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'hello' });
    const socket = await tunnel.client.connect({ host: 'localhost', port });
    const hello = connectTls({ socket, servername: 'localhost' }).on('error', () => {});
    await once(socket, 'data');
    socket.destroy();
    hello.destroy();
    await until('nobody is there', () => connections === 2 && ended === 2);
    expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.passed).toEqual([]);
  });

  test('is left alone when an application pins its key', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const issued = tunnel.issue('DNS:localhost');
    const port = await startHttps(issued);
    const der = createPublicKey(createPrivateKey(issued.key)).export({ type: 'spki', format: 'der' });
    const pin = execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: der }).toString('base64');
    const args = ['--insecure', '--pinnedpubkey', `sha256//${pin}`, `https://localhost:${port}/`];
    expect((await curl(tunnel, ...args)).code).toBe(90);
    await until('it is told', () => tunnel.watcher.passed.length === 1);
    expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.passed).toEqual(['localhost the application has left at the sight of the certificate']);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is left alone when it wants a certificate of the client, over %s',
    async (maxVersion) => {
      const tunnel = await startInspectedTunnel(['localhost']);
      const [server, client] = [tunnel.issue('DNS:localhost'), tunnel.issue('DNS:client')];
      const ca = readFileSync(tunnel.trueCa);
      const port = await startHttps({ ...server, ca, requestCert: true, maxVersion });
      const [cert, key] = ['cert', 'key'].map((name) => join(tunnel.folder, name)) as [string, string];
      writeFileSync(cert, client.cert);
      writeFileSync(key, client.key);
      const both = join(tunnel.folder, 'both.pem');
      writeFileSync(both, readFileSync(tunnel.ca, 'utf8') + readFileSync(tunnel.trueCa, 'utf8'));
      const args = ['--cacert', both, '--cert', cert, '--key', key, `https://localhost:${port}/`];
      expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'hello' });
      expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'hello' });
      expect(tunnel.watcher.passed).toEqual([
        expect.stringMatching(/^localhost the destination (asks for a certificate of the client|refuses TLS)/),
      ]);
    },
  );

  test('gets the certificate of the client though it would do without', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const [server, client] = [tunnel.issue('DNS:localhost'), tunnel.issue('DNS:client')];
    const ca = readFileSync(tunnel.trueCa);
    const port = await listenOn(
      createHttpsServer({ ...server, ca, requestCert: true, rejectUnauthorized: false }, ({ socket }, response) => {
        response.end(String((socket as TLSSocket).authorized));
      }),
    );
    const [cert, key] = ['cert', 'key'].map((name) => join(tunnel.folder, name)) as [string, string];
    writeFileSync(cert, client.cert);
    writeFileSync(key, client.key);
    const args = ['--cacert', tunnel.trueCa, '--cert', cert, '--key', key, `https://localhost:${port}/`];
    expect(await curl(tunnel, ...args)).toMatchObject({ code: 0, stdout: 'true' });
    expect(tunnel.watcher.passed).toEqual(['localhost the destination asks for a certificate of the client']);
  });

  test('tells the application itself that it speaks no TLS', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const port = await listenOn(createTcpServer((socket) => socket.on('error', () => {}).end('no TLS\r\n')));
    for (const _time of [1, 2]) {
      const { code, stderr } = await curl(tunnel, `https://localhost:${port}/`);
      expect([code, stderr]).toEqual([35, expect.stringMatching(/wrong version number/)]);
    }
  });

  test('is left alone by a name that no rule has', async () => {
    const tunnel = await startInspectedTunnel(['127.0.0.1']);
    const port = await startHttps(tunnel.issue('DNS:localhost'));
    const args = ['--cacert', tunnel.trueCa, '--connect-to', `localhost:${port}:127.0.0.1:${port}`];
    expect(await curl(tunnel, ...args, `https://localhost:${port}/`)).toMatchObject({ code: 0, stdout: 'hello' });
    expect(tunnel.watcher.passed).toEqual(['127.0.0.1 it asks for localhost, which no rule names']);
  });
});

describe('what is no HTTP', () => {
  /** Through SOCKS5 without a password. */
  async function dial(port: number, to: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1]), Buffer.from([to >> 8, to & 255])]));
    while (socket.read(12) === null) await once(socket, 'readable');
    return socket;
  }

  async function textOf(socket: Socket): Promise<string> {
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  }

  test('passes when the destination speaks first', async () => {
    const tunnel = await startInspectedTunnel(['127.0.0.1']);
    const port = await listenOn(
      createTcpServer((socket) => {
        socket.on('error', () => {}).write('220 hello\r\n');
        socket.on('data', (bytes) => void socket.end(`250 ${bytes}`));
      }),
    );
    const socket = await dial(tunnel.port, port);
    expect(String((await once(socket, 'data'))[0])).toBe('220 hello\r\n');
    socket.write('EHLO x\r\n');
    expect(await textOf(socket)).toBe('250 EHLO x\r\n');
    expect(tunnel.watcher.passed).toEqual(['127.0.0.1 the destination speaks first, as HTTP does not']);
  });

  test.each(['SSH-2.0-x\r\n', 'GE', '\x16\x03\x01\x00', 'GET / SIP/2.0\r\n'])(
    'passes whole when the application begins with %j',
    async (begin) => {
      const tunnel = await startInspectedTunnel(['127.0.0.1']);
      const port = await listenOn(
        createTcpServer({ allowHalfOpen: true }, (socket) => {
          let text = '';
          socket.on('data', (bytes) => {
            text += bytes.toString('latin1');
          });
          socket.on('end', () => void socket.end(`got ${text}`));
        }),
      );
      const socket = await dial(tunnel.port, port);
      socket.end(begin, 'latin1');
      expect(await textOf(socket)).toBe(`got ${begin}`);
      expect(tunnel.watcher.passed).toEqual(['127.0.0.1 it does not speak HTTP']);
    },
  );

  test('passes within TLS', async () => {
    const tunnel = await startInspectedTunnel(['127.0.0.1']);
    const echo = createTlsServer(tunnel.issue('IP:127.0.0.1'), (socket) => socket.on('error', () => {}).pipe(socket));
    const socket = await dial(tunnel.port, await listenOn(echo));
    const secured = connectTls({ socket, ca: readFileSync(tunnel.ca), host: '127.0.0.1' });
    secured.end('HELO');
    expect(await textOf(secured)).toBe('HELO');
    expect(tunnel.watcher.passed).toEqual(['127.0.0.1 it does not speak HTTP']);
  });

  test('that looks like HTTP at first still passes', async () => {
    const tunnel = await startInspectedTunnel(['127.0.0.1']);
    const port = await listenOn(
      createTcpServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end('\x00\x01 no HTTP'))),
    );
    const socket = await dial(tunnel.port, port);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect(await textOf(socket)).toBe('\x00\x01 no HTTP');
    expect(tunnel.watcher.passed).toEqual(['127.0.0.1 what it speaks cannot be read: it is not HTTP']);
    expect(tunnel.watcher.exchanges[0]?.events).toEqual(['request ', 'over: it is not HTTP']);
  });
});

describe('the CA', () => {
  test.each(['outside.example', '10.1.2.3'])('is of no use for %s, which no rule names', async (name) => {
    const tunnel = await startInspectedTunnel(['*.inside.example', '192.0.2.0/24']);
    const text = readFileSync(join(tunnel.folder, 'inspect/ca-key.pem'), 'utf8');
    const privateKey = createPrivateKey(text.slice(text.indexOf('-----BEGIN PRIVATE KEY')));
    const issuer = {
      subject: new X509Certificate(readFileSync(tunnel.ca)).subject.slice('CN='.length),
      privateKey,
      publicKey: createPublicKey(privateKey),
    };
    const [leaf, key] = [join(tunnel.folder, 'leaf.pem'), join(tunnel.folder, 'leaf-key.pem')];
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(key, own.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const sign = (names: readonly string[]): string => {
      const validity = { from: new Date(Date.now() - 1e6), to: new Date(Date.now() + 1e8) };
      return createCertificate({
        subject: 'x',
        validity,
        publicKey: own.publicKey,
        issuer,
        extensions: serverExtensions(names),
      });
    };
    const verify = async (names: readonly string[]): Promise<string> => {
      writeFileSync(leaf, sign(names));
      const { stdout, stderr } = await run('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', tunnel.ca, leaf]);
      return stdout + stderr;
    };
    expect(await verify(['a.inside.example', '*.inside.example', '192.0.2.9'])).toMatch(/: OK/);
    expect(await verify([name])).toMatch(/permitted subtree violation/);
    // A real client, with a server that shows it.
    const port = await listenOn(
      createHttpsServer(
        { cert: sign([name]), key: readFileSync(key) },
        (_request, response) => void response.end('hello'),
      ).on('tlsClientError', () => {}),
    );
    const { code, stderr } = await run('curl', [
      '-sS',
      '--noproxy',
      '*',
      '--cacert',
      tunnel.ca,
      '--connect-to',
      `${name}:443:127.0.0.1:${port}`,
      `https://${name}/`,
    ]);
    expect([code, stderr]).toEqual([60, expect.stringMatching(/permitted subtree violation/)]);
  });
});

test('an inspected destination that cannot be reached fails as without inspection', async () => {
  const tunnel = await startInspectedTunnel(['127.0.0.1']);
  const server = createHttpServer();
  const port = await listenOn(server);
  server.close();
  await once(server, 'close');
  const { code, stderr } = await run('curl', [
    '-sS',
    '--noproxy',
    '',
    '-x',
    `socks5h://127.0.0.1:${tunnel.port}`,
    `http://127.0.0.1:${port}/`,
  ]);
  expect([code, stderr]).toEqual([97, expect.stringMatching(/\(5\)/)]);
});
