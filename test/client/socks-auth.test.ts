import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256 } from 'wsproxy-test-support/keystream';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo, readBytes, readHead } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const PASSWORD = 'right: or not';

function writeUsers(text: string, mode = 0o600): string {
  const file = join(temporaryFolder(), 'users');
  writeFileSync(file, text, { mode });
  return file;
}

async function prepare() {
  const [{ port: serverPort }, files] = await Promise.all([startServer(), startWebFiles()]);
  const hashed = await sha256(Buffer.from('other'));
  const users = writeUsers(`# who may\nann:${PASSWORD}\n\nbob:sha256:${hashed}\n`);
  const { port, program } = await start('wsproxy-client', [`ws://127.0.0.1:${serverPort}/`, '--socks-auth', users]);
  return { port, program, url: `http://localhost:${files.port}` };
}

describe.each(['socks5h', 'http'])('curl with --proxy-user over %s', (scheme) => {
  skipUnlessInstalled('curl');

  test.each([
    ['ann', PASSWORD],
    ['bob', 'other'],
  ])('gets through as %s', async (user, password) => {
    const { port, url } = await prepare();
    const args = ['-sS', '-x', `${scheme}://127.0.0.1:${port}`, '--proxy-user', `${user}:${password}`];
    const { code, stdout, stderr } = await run(
      'curl',
      [...args, `${url}/auth/1000`, '-o', '-', '-w', '%{http_code}'],
      {},
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/200$/);
  });

  test.each(['ann:wrong', 'nobody:other', 'ann:other', ''])(
    'does not as %j, and the log holds no password',
    async (user) => {
      const { port, program, url } = await prepare();
      const given = user === '' ? [] : ['--proxy-user', user];
      const args = ['-sS', '-x', `${scheme}://127.0.0.1:${port}`, ...given, '-w', '%{http_code}'];
      const { code, stdout } = await run('curl', [...args, `${url}/auth/1000`]);
      if (scheme === 'http') expect(stdout).toMatch(/407$/);
      else expect(code).toBe(97);
      await program.untilStderr(/local request refused/);
      expect(program.stderr).not.toContain(PASSWORD);
    },
  );
});

test('SOCKS4 is refused, and CONNECT is answered 407 and closed', async () => {
  const { port } = await prepare();
  const socks4 = await connectTo(port);
  socks4.write(Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0]));
  expect((await readBytes(socks4, 2))[1]).toBe(0x5b);
  const http = await connectTo(port);
  http.write('CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n');
  const head = await readHead(http);
  expect(head).toMatch(/^HTTP\/1\.1 407 /);
  expect(head).toMatch(/\r\nProxy-Authenticate: Basic realm="wsproxy"/);
  expect(head).toMatch(/\r\nConnection: close\r\n/);
});

describe('wsproxy-client ends with exit code 2 and one line for', () => {
  test.each(['0.0.0.0:0', '*:0', '[::]:0', '192.0.2.1:0', 'proxy.example:0'])(
    '--listen %s without --socks-auth',
    async (at) => {
      const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--listen', at]);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toMatch(
        /^wsproxy-client: --listen [^\n]*other machines can reach[^\n]*--socks-auth FILE\n$/,
      );
    },
  );

  test.each([
    ['a line without a colon', 'ann\n', /line 1 is not user:password/],
    ['an empty password', 'ann:x\nbob:\n', /line 2 is not user:password/],
    [
      'the digest of nothing',
      `x:y\nann:sha256:${createHash('sha256').digest('hex')}\n`,
      /line 2: the digest of an empty/,
    ],
    ['a short digest', 'ann:sha256:abcd\n', /line 1: 64 hexadecimal digits/],
    ['no user', '# nobody\n', /names no user/],
  ])('a file with %s', async (_what, text, line) => {
    const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--socks-auth', writeUsers(text)]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(line);
    expect(ended.stderr).toMatch(/^[^\n]+\n$/);
  });

  test('a file that others can read', async () => {
    const file = writeUsers('ann:x\n', 0o644);
    const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--socks-auth', file]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/other users can read or change .*; run: chmod 600/);
  });
});

test('with --socks-auth another address than loopback is listened on', async () => {
  const { port } = await startServer();
  const args = [`ws://127.0.0.1:${port}/`, '--socks-auth', writeUsers('ann:x\n')];
  const { program } = await start('wsproxy-client', [...args, '--listen', '0.0.0.0:0']);
  await program.untilStderr(/"listen":"0\.0\.0\.0:\d+, 127/);
});
