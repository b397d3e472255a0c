import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { launch, runCommand, scriptOf, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const READY = /"listen":"([^"]+)"[^\n]*"ready"/;
const STATUS = ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}'];

async function statusAt(path: string): Promise<string> {
  return (await run('curl', [...STATUS, '--unix-socket', path, 'http://localhost/'])).stdout;
}

describe('a server that all clients come back to at a time', () => {
  skipUnlessInstalled('ss');

  test('has as many of them wait to be accepted as the system allows', async () => {
    const { port } = await start('wsproxy-server', []);
    const allowed = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    // The third field of a listening socket is how many may wait.
    const { stdout } = await run('ss', ['-Hltn', `sport = :${port}`]);
    expect(Number(stdout.split(/\s+/)[2])).toBe(Math.min(4_096, allowed));
  });
});

describe('a server on a Unix socket', () => {
  skipUnlessInstalled('curl');

  const launchAt = (path: string) => launch('wsproxy-server', ['--listen', `unix:${path}`, '--log-format', 'json']);

  test('is for its owner, answers, and leaves nothing behind', async () => {
    const path = join(temporaryFolder(), 'socket');
    const program = launchAt(path);
    expect(await program.untilStderr(READY)).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await statusAt(path)).toBe('401');
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test('takes the place of one that was killed, not of one that lives', async () => {
    const path = join(temporaryFolder(), 'socket');
    const killed = launchAt(path);
    await killed.untilStderr(READY);
    killed.signal('SIGKILL');
    await killed.ended;
    expect(existsSync(path)).toBe(true);

    await launchAt(path).untilStderr(READY);
    const second = await runCommand('wsproxy-server', ['--listen', `unix:${path}`]);
    expect([second.code, second.stderr]).toEqual([
      1,
      `wsproxy-server: cannot listen on unix:${path}: another program listens there; end it or choose another path with --listen\n`,
    ]);
    expect(await statusAt(path)).toBe('401');
  });

  test('leaves a file alone that is no socket', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'precious');
    const { code, stderr } = await runCommand('wsproxy-server', ['--listen', `unix:${path}`]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is a file that is no socket')]);
    expect(statSync(path).size).toBe(8);
  });

  test('believes a reverse proxy on it about the remote address', async () => {
    const path = join(temporaryFolder(), 'socket');
    const args = ['--listen', `unix:${path}`, '--log-format', 'json', '--trusted-proxy', 'unix', '--path', '/tunnel'];
    const program = launch('wsproxy-server', args);
    await program.untilStderr(READY);
    const header = ['--header', 'X-Forwarded-For: 6.6.6.6, 203.0.113.9'];
    await run('curl', [...STATUS, ...header, '--unix-socket', path, 'http://localhost/']);
    expect(await program.untilStderr(/"remoteAddress":"([^"]+)"/)).toBe('203.0.113.9');
  });
});

describe('a server with the socket of systemd', () => {
  skipUnlessInstalled('curl');

  /** As systemd does it: the socket as descriptor 3, and a process id that is only known once the process is there. */
  function activate(socket?: Server, env: Readonly<Record<string, string>> = { LISTEN_FDS: '1' }): Program {
    const command = 'LISTEN_PID=$$ exec "$0" "$@"';
    const args = [
      '-c',
      command,
      process.execPath,
      scriptOf('wsproxy-server'),
      '--listen',
      'systemd',
      '--allow-private',
    ];
    const program = new Program('sh', [...args, '--log-format', 'json'], {
      env: { WSPROXY_TOKEN: TOKEN, ...env },
      inherit: socket === undefined ? [] : [descriptorOf(socket)],
    });
    // The child has it now; here it would go on to accept.
    socket?.close();
    return program;
  }

  function descriptorOf(socket: Server): number {
    return (socket as Server & { readonly _handle: { readonly fd: number } })._handle.fd;
  }

  async function open(where: { readonly port: number; readonly host: string } | { readonly path: string }) {
    const socket = createServer();
    atEnd(() => socket.close());
    await new Promise<void>((resolve) => socket.listen(where, resolve));
    return socket;
  }

  test('carries the tunnel over TCP', async () => {
    const port = await freePort();
    const program = activate(await open({ port, host: '127.0.0.1' }));
    expect(await program.untilStderr(READY)).toBe(`127.0.0.1:${port}`);
    const [client, files] = await Promise.all([start('wsproxy-client', [`ws://127.0.0.1:${port}/`]), startWebFiles()]);
    const proxy = ['-x', `socks5h://127.0.0.1:${client.port}`];
    const { stdout } = await run('curl', [...STATUS, ...proxy, `http://127.0.0.1:${files.port}/seed/1000`]);
    expect(stdout).toBe('200');
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });

  test('answers on a Unix socket, whose file stays for the next one', async () => {
    const path = join(temporaryFolder(), 'socket');
    // By another name, since Node removes the file when it closes the socket.
    const socket = await open({ path: `${path}-new` });
    renameSync(`${path}-new`, path);
    const program = activate(socket);
    expect(await program.untilStderr(READY)).toBe('systemd');
    expect(await statusAt(path)).toBe('401');
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    ['no socket', {}, 'no sockets'],
    ['two sockets', { LISTEN_FDS: '2' }, '2 sockets'],
  ])('says so when it got %s', async (_, env, words) => {
    const { code, stderr } = await activate(undefined, env).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining(`systemd has handed over ${words}`)]);
  });

  test('takes no socket that is meant for another process', async () => {
    const env = { LISTEN_PID: '1', LISTEN_FDS: '1' };
    const { code, stderr } = await runCommand('wsproxy-server', ['--listen', 'systemd'], { env });
    expect([code, stderr]).toEqual([2, expect.stringContaining('no sockets')]);
  });
});
