import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const UNIT = join(DEPLOY, 'wsproxy-server.service');
/** On the scale of `systemd-analyze security`, 0.0 to 10.0; what serves a network cannot reach 0. */
const EXPOSURE = 1.5;
/** Asked for by V8, which does without where it is refused. */
const REFUSED = ['pkey_alloc'];

function settings(name: string): string[] {
  const lines = readFileSync(UNIT, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
}

/** A group of system calls, with those of the groups in it. */
async function systemCalls(group: string): Promise<string[]> {
  const { stdout } = await run('systemd-analyze', ['syscall-filter', group]);
  const lines = stdout.split('\n').slice(1);
  const names = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const calls = await Promise.all(names.map(async (name) => (name.startsWith('@') ? systemCalls(name) : [name])));
  return calls.flat();
}

async function allowedCalls(): Promise<Set<string>> {
  const allowed = new Set(await systemCalls('@default'));
  for (const setting of settings('SystemCallFilter')) {
    const groups = setting.replace('~', '').split(' ');
    for (const call of (await Promise.all(groups.map(systemCalls))).flat()) {
      if (setting.startsWith('~')) allowed.delete(call);
      else allowed.add(call);
    }
  }
  return allowed;
}

describe('the systemd unit', () => {
  skipUnlessInstalled('systemd-analyze');
  skipUnlessInstalled('curl');

  test('is understood in every line', async () => {
    // Whether the program is there is looked at as well.
    const unit = join(temporaryFolder(), 'wsproxy-server.service');
    writeFileSync(unit, readFileSync(UNIT, 'utf8').replace('/usr/bin/node', process.execPath));
    expect(await run('systemd-analyze', ['verify', '--man=no', unit])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  test.each([[], ['--workers', '2']])('can leave the listening to systemd %s %s', async (...workers) => {
    const [folder, port] = [temporaryFolder(), await freePort()];
    const socket = readFileSync(join(DEPLOY, 'wsproxy-server.socket'), 'utf8');
    writeFileSync(join(folder, 'wsproxy-server.socket'), socket);
    writeFileSync(
      join(folder, 'wsproxy-server.service'),
      readFileSync(UNIT, 'utf8').replace('/usr/bin/node', process.execPath),
    );
    const verified = await run('systemd-analyze', ['verify', '--man=no', join(folder, 'wsproxy-server.socket')]);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    const [address = ''] = /^ListenStream=(.*)$/m.exec(socket)?.slice(1) ?? [];
    expect(settings('ExecStart').join()).toContain(`--listen ${address} `);

    const token = join(folder, 'token');
    writeFileSync(token, TOKEN, { mode: 0o600 });
    const script = fileURLToPath(new URL('../../packages/server/bin/wsproxy-server.js', import.meta.url));
    const program = [process.execPath, script, '--listen', 'systemd', '--token-file', token, ...workers];
    // Listens, and becomes the program with the first connection.
    const server = new Program('systemd-socket-activate', [`--listen=127.0.0.1:${port}`, ...program]);
    await server.untilStderr(/Listening/);
    const { stdout } = await run('curl', ['-s', '-w', '%{http_code}', `http://127.0.0.1:${port}/`]);
    expect(stdout).toMatch(/401$/);
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  test.each([
    ['more flags', 'Environment="FLAGS=--admin 9090 --drain 10s"'],
    ['workers', 'Environment="FLAGS=--workers auto"'],
    ['TLS', 'Environment="FLAGS=--listen systemd --tls-cert /etc/wsproxy/fullchain.pem --tls-key'],
    ['remote listeners below port 1024', 'Environment="FLAGS=--reverse --allow-listen 0.0.0.0:443'],
    [
      'remote listeners on Unix sockets',
      'Environment="FLAGS=--reverse --allow-listen unix:/run/wsproxy/*"\nRuntimeDirectory=',
    ],
    ['a quota file', 'StateDirectory=wsproxy-server\nEnvironment="FLAGS=--quota-file %S/wsproxy-server/quota.json"'],
  ])('takes the lines of the documents for %s', async (_what, lines) => {
    const text = ['deploy.md', 'limits.md'].flatMap((page) => codeBlocks(page)).find((block) => block.includes(lines));
    const folder = temporaryFolder();
    const unit = join(folder, 'wsproxy-server.service');
    writeFileSync(unit, readFileSync(UNIT, 'utf8').replace('/usr/bin/node', process.execPath));
    mkdirSync(`${unit}.d`);
    const dropIn = /^\[Service\]\n[^]*?(?=^END$|$(?![^]))/m.exec(text ?? '')?.[0] ?? '';
    writeFileSync(join(`${unit}.d`, 'flags.conf'), dropIn);
    const verified = await run('systemd-analyze', ['verify', '--man=no', unit], {
      env: { SYSTEMD_UNIT_PATH: `${folder}:` },
    });
    expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const flags = /"FLAGS=(.*)"/.exec(dropIn)?.[1]?.split(' ') ?? [];
    const [, , ...own] = settings('ExecStart').join('').split(' ').slice(0, -1);
    // What they say is understood; the files are not there, also where this machine has such a server.
    const words = [...own, ...flags].map((word) => word.replace('/etc/wsproxy', join(folder, 'etc')));
    const told = await runCommand('wsproxy-server', words);
    expect(told).toMatchObject({ code: 2, stderr: expect.stringMatching(/cannot read the file of --tls|token file/) });
  });

  test('reads its files again on a reload, from where it can read them', () => {
    expect(settings('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
    // A copy that is made at the start would stay as it was.
    expect([settings('LoadCredential'), settings('SupplementaryGroups')]).toEqual([[], ['wsproxy']]);
    expect(settings('ExecStart').join()).toContain(' --token-file /etc/wsproxy/token ');
  });

  test('exposes little', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', UNIT]);
    const [, level] = /exposure level for .*: ([0-9.]+)/.exec(stdout) ?? [];
    expect(Number(level), stdout + stderr).toBeLessThanOrEqual(EXPOSURE);
  });

  test('gives connections the time they were promised', () => {
    const [drain] = /--drain (\d+)s/.exec(settings('ExecStart').join(''))?.slice(1) ?? [];
    const [stop] = settings('TimeoutStopSec').map((value) => Number.parseInt(value, 10));
    expect(stop).toBeGreaterThan(Number(drain));
  });

  describe('lets the server', () => {
    skipUnlessInstalled('strace');

    test('call what it needs, and write no file', async () => {
      const folder = temporaryFolder();
      const [token, calls] = [join(folder, 'token'), join(folder, 'calls')];
      writeFileSync(token, TOKEN, { mode: 0o600 });
      const [, ...args] = settings('ExecStart').join('').split(' ');
      expect(args.at(-1)).toBe('$FLAGS');
      const server = new Program('strace', [
        ...['--follow-forks', '--output', calls, '-e', `inject=${REFUSED.join()}:error=EPERM`, process.execPath],
        ...args.slice(0, -1).map((arg) =>
          arg
            .replace('/opt/wsproxy-server', fileURLToPath(new URL('../../packages/server', import.meta.url)))
            .replace('127.0.0.1:8080', '127.0.0.1:0')
            .replace('/etc/wsproxy/token', token),
        ),
        ...['--allow-private', '--log-format', 'json'],
      ]);
      const port = await server.untilStderr(/"listen":"127.0.0.1:(\d+)"[^\n]*"ready"/, 30_000);
      const [client, echo] = await Promise.all([
        start('wsproxy-client', [`ws://127.0.0.1:${port}/tunnel`]),
        startEcho(),
      ]);
      const socket = await bySocks5(client.port, 'localhost', echo.port);
      socket.end('hello');
      expect((await readBytes(socket, 5)).toString()).toBe('hello');
      await until('the server has let go of it', () => echo.sockets.size === 0);
      // The first line is of the server; strace itself would keep a signal.
      const [pid = ''] = /^\d+/.exec(readFileSync(calls, 'utf8')) ?? [];
      process.kill(Number(pid), 'SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0 });

      const made = new Set(
        Array.from(readFileSync(calls, 'utf8').matchAll(/^\d+ +(\w+)\(/gm), ([, call = '']) => call),
      );
      const allowed = await allowedCalls();
      expect(made.size).toBeGreaterThan(30);
      expect([...made].filter((call) => !allowed.has(call) && !REFUSED.includes(call))).toEqual([]);
    });
  });
});
