import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { launch, runCommand } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

async function launchClient(...args: string[]): Promise<Program> {
  const { port } = await startServer();
  const program = launch('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--log-format', 'json', ...args]);
  await program.untilStderr(/"ready"/);
  return program;
}

describe('-L', () => {
  skipUnlessInstalled('redis-server');
  skipUnlessInstalled('redis-cli');
  skipUnlessInstalled('curl');

  test('carries redis-cli to a redis-server', async () => {
    const port = await freePort();
    const folder = temporaryFolder();
    const redis = new Program('redis-server', [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      folder,
    ]);
    await redis.untilStdout(/Ready to accept connections/);
    const client = await launchClient('-L', `0:127.0.0.1:${port}`);
    const local = await client.untilStderr(/"forward":"127\.0\.0\.1:(\d+) to/);
    const ask = (...words: string[]) => run('redis-cli', ['-p', local, ...words]);
    expect(await ask('SET', 'key', 'value')).toMatchObject({ stdout: 'OK\n' });
    expect(await ask('GET', 'key')).toMatchObject({ stdout: 'value\n', code: 0 });
  });

  test('carries a Unix socket, which only its owner can open, to an API; proxying goes on beside it', async () => {
    const files = await startWebFiles();
    const folder = temporaryFolder();
    const [api, proxy] = [join(folder, 'api.sock'), join(folder, 'proxy.sock')];
    const client = await launchClient('-L', `${api}:localhost:${files.port}`, '-D', `unix:${proxy}`);
    expect(statSync(api).mode & 0o777).toBe(0o600);
    expect(statSync(proxy).mode & 0o777).toBe(0o600);
    const options = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}'];
    const through = await run('curl', [...options, '--unix-socket', api, 'http://localhost/api/1000']);
    expect(through).toMatchObject({ stdout: '200 1000', stderr: '' });
    const url = `http://localhost:${files.port}/x/1000`;
    const byProxy = await run('curl', [...options, '--proxy', `socks5h://localhost${proxy}`, url]);
    expect(byProxy).toMatchObject({ stdout: '200 1000', stderr: '' });
    client.signal('SIGKILL');
    await client.ended;
    await launchClient('-L', `unix:${api}:localhost:${files.port}`);
    expect(await run('curl', [...options, '--unix-socket', api, 'http://localhost/api/1'])).toMatchObject({
      stdout: '200 1',
    });
  });

  test('resets the application when the destination refuses', async () => {
    const client = await launchClient('-L', `0:127.0.0.1:${await freePort()}`);
    const local = await client.untilStderr(/"forward":"127\.0\.0\.1:(\d+) to/);
    const { code, stderr } = await run('curl', ['-sS', `http://127.0.0.1:${local}/`]);
    expect([code, stderr]).toEqual([56, expect.stringContaining('reset by peer')]);
    await until('it was told', () => client.stderr.includes('CONNECTION_REFUSED'));
  });

  test.each([['80:host'], ['host:80'], ['a:b:c:d'], ['1:2:3:4:5'], ['80::80'], ['unix::host:80']])(
    'of %s ends with exit code 2 and one line',
    async (forward) => {
      const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '-L', forward]);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toMatch(/^wsproxy-client: [^\n]*-L[^\n]*\n$/);
    },
  );
});
