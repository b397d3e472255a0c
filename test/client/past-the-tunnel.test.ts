import { writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { launch, readyPort, runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer, startTunnel } from 'wsproxy-test-support/tunnel';

const RULES = ['--bypass', 'localhost', '--bypass', '127.0.0.0/8'];

/** A server that dials nothing on this machine, and a client that may. */
async function prepare(...rules: string[]) {
  const [{ port: serverPort, server }, files] = await Promise.all([
    startServer({ allowPrivate: false }),
    startWebFiles(),
  ]);
  const { port, program } = await start('wsproxy-client', [`ws://127.0.0.1:${serverPort}/`, ...rules]);
  return { port, program, server, filesPort: files.port };
}

describe('curl', () => {
  skipUnlessInstalled('curl');
  skipUnlessInstalled('openssl');

  const WAYS = [
    ['socks5h', 'localhost', []],
    ['socks5', '127.0.0.1', []],
    ['socks4a', 'localhost', []],
    ['http', 'localhost', []],
    ['http', '127.0.0.1', ['-p']],
  ] as const;

  test.each(WAYS)('over %s:// to %s %j goes past the tunnel', async (scheme, host, options) => {
    const { port, filesPort } = await prepare(...RULES);
    const args = ['-sS', ...options, '-x', `${scheme}://127.0.0.1:${port}`, '-o', '/dev/null', '-w', '%{http_code}'];
    const ended = await run('curl', [...args, `http://${host}:${filesPort}/bypass/3000000`]);
    expect(ended).toMatchObject({ code: 0, stdout: '200', stderr: '' });
  });

  test('goes through the tunnel to what no rule names: other ports, and names of addresses', async () => {
    const { port, filesPort } = await prepare('--bypass', '127.0.0.0/8:1', '--bypass', '192.0.2.0/24');
    const args = ['-s', '-x', `http://127.0.0.1:${port}`, '-o', '/dev/null', '-w', '%{http_code}'];
    for (const host of ['127.0.0.1', 'localhost']) {
      expect((await run('curl', [...args, `http://${host}:${filesPort}/`])).stdout).toBe('403');
    }
  });

  test('goes past a tunnel that is down', async () => {
    const { port, filesPort, server } = await prepare(...RULES);
    await server.close();
    const args = ['-sS', '-x', `socks5h://127.0.0.1:${port}`, '-o', '/dev/null', '-w', '%{http_code}'];
    expect(await run('curl', [...args, `http://localhost:${filesPort}/x/1`])).toMatchObject({ stdout: '200' });
  });

  test('speaks TLS past the tunnel, and both ways at once', async () => {
    const { key, cert, file } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
    const echo = createHttpsServer({ key, cert }, (request, response) => request.pipe(response));
    const [{ port }, tls] = await Promise.all([prepare(...RULES), listenOn(echo)]);
    const args = ['-sS', '-x', `http://127.0.0.1:${port}`, '--cacert', file, '--data-binary', '@-'];
    const input = 'x'.repeat(2_000_000);
    const { stdout, stderr } = await run('curl', [...args, `https://localhost:${tls.port}/`], { input });
    expect([stderr, stdout === input]).toEqual(['', true]);
  });

  test('finds the rules in the configuration file', async () => {
    const [{ port: serverPort }, files] = await Promise.all([startServer({ allowPrivate: false }), startWebFiles()]);
    const file = join(temporaryFolder(), 'client.yaml');
    writeFileSync(file, `url: ws://127.0.0.1:${serverPort}/\nlisten: 0\nbypass: [localhost, 10.0.0.0/8]\n`);
    const program = launch('wsproxy-client', ['--config', file, '--log-format', 'json']);
    const args = ['-sS', '-x', `http://127.0.0.1:${await readyPort(program)}`, '-o', '/dev/null', '-w', '%{http_code}'];
    expect(await run('curl', [...args, `http://localhost:${files.port}/x/1`])).toMatchObject({ stdout: '200' });
  });
});

test('the status of the tunnel counts nothing that went past it', async () => {
  const [{ client, port }, files] = await Promise.all([
    startTunnel({ client: { bypass: ['localhost'] } }),
    startWebFiles(),
  ]);
  await run('curl', ['-sS', '-x', `http://127.0.0.1:${port}`, '-o', '/dev/null', `http://localhost:${files.port}/x/9`]);
  expect(client.status()).toMatchObject({ bytesUp: 0, bytesDown: 0, channels: [] });
});

test('what is no rule ends with exit code 2 and one line that says what is', async () => {
  const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--bypass', 'a:b']);
  expect([ended.code, ended.stdout]).toEqual([2, '']);
  expect(ended.stderr).toMatch(/^wsproxy-client: --bypass: not a destination rule: "a:b"; expected a host[^\n]*\n$/);
});
