import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { keystreamBytes, sha256, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { launch, runCommand, shellLine } from 'wsproxy-test-support/programs/command-line';
import { type Program, run } from 'wsproxy-test-support/programs/program';
import { startEndingFirst } from 'wsproxy-test-support/sockets/ending-first';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const LENGTH = 20_000_000;

interface Running {
  readonly server: Awaited<ReturnType<typeof startServer>>['server'];
  readonly url: string;
  readonly path: string;
  readonly client: Program;
}

/** A server, and a client that does nothing but to listen on a control socket. */
async function startRunning(...more: string[]): Promise<Running> {
  const { server, port } = await startServer();
  const url = `ws://127.0.0.1:${port}/`;
  const path = join(temporaryFolder(), 'control');
  const client = launch('wsproxy-client', [url, '--control', path, '--log-format', 'json', ...more]);
  await client.untilStderr(/"connected to the server"/);
  return { server, url, path, client };
}

/** -W without a URL, and without a token. */
function pipe(path: string, port: number, input?: 'open' | Buffer | (string & {})): Program {
  const args = ['-W', `127.0.0.1:${port}`, '--control', path];
  return launch('wsproxy-client', args, { token: null, ...(input !== undefined && { input }) });
}

describe('wsproxy-client -W --control', () => {
  test.each([0, 5, 3_000_000])('sends the end of its %d bytes of input, and gets the answer to it', async (length) => {
    const [{ path }, destination] = await Promise.all([startRunning(), startAnswerAfterEnd()]);
    const input = keystreamBytes('control', length);
    const ended = await pipe(path, destination.port, input).ended;
    expect(ended).toEqual({ code: 0, signal: null, stdout: `${await sha256(input)}\n`, stderr: '' });
  });

  test('carries much both ways at once, unchanged, through a slow reader', async () => {
    const [{ path }, echo] = await Promise.all([startRunning(), startEcho()]);
    const line = shellLine('wsproxy-client', ['-W', `localhost:${echo.port}`, '--control', path]);
    const input = keystreamBytes('both', LENGTH);
    const script = `${line} | { head -c 1000000; sleep 0.2; cat; } | sha256sum`;
    const { stdout, stderr } = await run('bash', ['-o', 'pipefail', '-c', script], { input });
    expect([stdout.split(' ')[0], stderr]).toEqual([await sha256OfKeystream('both', LENGTH), '']);
  });

  test('ends standard output when the destination has ended, while its input goes on', async () => {
    const destination = await startEndingFirst('bye');
    const { path } = await startRunning();
    const program = pipe(path, destination.port, 'open');
    const ended = new Promise((resolve) => program.child.stdout?.once('end', resolve));
    await ended;
    program.child.stdin?.end('late');
    expect(await program.ended).toEqual({ code: 0, signal: null, stdout: 'bye', stderr: '' });
    await until('what came late has arrived', () => destination.received() === 'late');
  });

  test('serves many at once, and leaves nothing behind', async () => {
    const [{ path, server }, echo] = await Promise.all([startRunning(), startEcho()]);
    const line = shellLine('wsproxy-client', ['-W', `127.0.0.1:${echo.port}`, '--control', path]);
    const script = `for i in $(seq 8); do echo "number $i" | ${line} | cat & done; wait`;
    const { stdout, stderr } = await run('bash', ['-c', script]);
    expect(stderr).toBe('');
    const expected = Array.from({ length: 8 }, (_, i) => `number ${i + 1}`).sort();
    expect(stdout.trim().split('\n').sort()).toEqual(expected);
    await until('every channel is over', () => server.channelCount === 0);
  });

  test('leaves the whole program its errors and its help', async () => {
    const { path } = await startRunning();
    const help = await runCommand('wsproxy-client', ['-W', 'a:1', '--control', path, '--help', 'all'], { token: null });
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--control <path>');
    const wrong = await runCommand('wsproxy-client', ['-W', 'nonsense', '--control', path], { token: null });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/^wsproxy-client: --stdio: not a destination: "nonsense"[^\n]+\n$/);
  });

  test('is what a configuration file says, for the client that runs and for -W', async () => {
    const [{ server, port }, echo, folder] = [await startServer(), await startEcho(), temporaryFolder()];
    const file = join(folder, 'client.yaml');
    writeFileSync(file, `url: ws://127.0.0.1:${port}/\ncontrol: here.sock\n`);
    const client = launch('wsproxy-client', ['--config', file, '--log-format', 'json']);
    await client.untilStderr(/"connected to the server"/);
    const sessions = server.sessionCount;
    const args = ['--config', file, '-W', `127.0.0.1:${echo.port}`];
    const ended = await runCommand('wsproxy-client', args, { token: null, input: 'by file' });
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'by file', stderr: '' });
    expect(server.sessionCount).toBe(sessions);
  });
});

describe('wsproxy-client -W --control ends with exit code 1 and one line', () => {
  test('when the destination refuses', async () => {
    const [{ path }, port] = [await startRunning(), await freePort()];
    const stderr = `wsproxy-client: 127.0.0.1:${port}: connection refused\n`;
    expect(await pipe(path, port, 'x').ended).toEqual({ code: 1, signal: null, stdout: '', stderr });
  });

  test('when the destination resets, after what it had sent, though its input has ended', async () => {
    const sockets: Socket[] = [];
    const destination = await listen((socket) => {
      socket.write('some');
      sockets.push(socket);
    });
    const { path } = await startRunning();
    const program = pipe(path, destination.port);
    await program.untilStdout(/some/);
    for (const socket of sockets) socket.resetAndDestroy();
    const stderr = `wsproxy-client: 127.0.0.1:${destination.port}: connection reset\n`;
    expect(await program.ended).toEqual({ code: 1, signal: null, stdout: 'some', stderr });
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('when the client that runs is ended by %s', async (signal) => {
    const [{ path, client }, echo] = await Promise.all([startRunning(), startEcho()]);
    const program = pipe(path, echo.port, 'open');
    program.child.stdin?.write('hello');
    await program.untilStdout(/hello/);
    client.signal(signal);
    const ended = await program.ended;
    expect(ended).toMatchObject({ code: 1, stdout: 'hello' });
    expect(ended.stderr).toBe(`wsproxy-client: 127.0.0.1:${echo.port}: the wsproxy-client at ${path} has ended\n`);
  });

  test('when nobody reads its standard output any more', async () => {
    const [{ path, server }, source] = await Promise.all([startRunning(), startSource('epipe', LENGTH)]);
    const line = shellLine('wsproxy-client', ['-W', `127.0.0.1:${source.port}`, '--control', path]);
    const script = `{ ${line}; echo $? >&2; } | head -c 1000 | wc -c`;
    const ended = await run('bash', ['-c', script]);
    expect(ended.stdout.trim()).toBe('1000');
    const told = `wsproxy-client: 127.0.0.1:${source.port}: nobody reads standard output any more\n`;
    expect(ended.stderr).toBe(`${told}1\n`);
    await until('the channel is over', () => server.channelCount === 0);
  });

  test('when nobody is there, and it has no URL', async () => {
    const path = join(temporaryFolder(), 'nobody');
    const { code, stdout, stderr } = await pipe(path, 22).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^wsproxy-client: nobody answers at --control \S+: there is no such socket; [^\n]+\n$/);
  });

  test('when a file is there, and it has no URL', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'precious');
    const { code, stdout, stderr } = await pipe(path, 22).ended;
    expect([code, stdout]).toEqual([1, '']);
    const cure = 'remove it or choose another path, or give the URL of a server';
    expect(stderr).toBe(
      `wsproxy-client: nobody answers at --control ${path}: there is a file that is no socket; ${cure}\n`,
    );
    expect(statSync(path).size).toBe(8);
  });

  test('when what listens there is something else, and it has no URL', async () => {
    const path = join(temporaryFolder(), 'other');
    const server = createServer((socket) => socket.resume().end('SSH-2.0-other\r\n'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const { code, stderr } = await pipe(path, 22).ended;
    server.close();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/: what listens there is no wsproxy-client [^\n]+\n$/)]);
  });
});

test.each(['SIGHUP', 'SIGTERM', 'SIGKILL'] as const)(
  'wsproxy-client -W --control ended by %s is a reset for the destination, no end',
  async (signal) => {
    let end = '';
    const destination = await listen((socket) => {
      socket.write('hello');
      socket.on('end', () => {
        end = 'end';
      });
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        end = code ?? '';
      });
      socket.resume();
    });
    const { path, server } = await startRunning();
    const program = pipe(path, destination.port, 'open');
    await program.untilStdout(/hello/);
    program.signal(signal);
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([signal === 'SIGKILL' ? null : 0, '']);
    await until('the destination has been told', () => end !== '');
    expect(end).toBe('ECONNRESET');
    await until('the channel is over', () => server.channelCount === 0);
  },
);

describe('wsproxy-client -W --control with a URL', () => {
  test('goes its own way when nobody is there, and when the socket is stale', async () => {
    const [{ url, path, client }, echo] = await Promise.all([startRunning(), startEcho()]);
    client.signal('SIGKILL');
    await client.ended;
    expect(statSync(path).isSocket()).toBe(true);
    for (const control of [path, join(temporaryFolder(), 'none')]) {
      const args = [url, '-W', `127.0.0.1:${echo.port}`, '--control', control];
      const ended = await runCommand('wsproxy-client', args, { input: 'own way' });
      expect(ended).toEqual({ code: 0, signal: null, stdout: 'own way', stderr: '' });
    }
  });

  test('uses the client that runs when it is there, no matter what its own server', async () => {
    const [{ path }, echo] = await Promise.all([startRunning(), startEcho()]);
    const args = ['ws://127.0.0.1:1/', '-W', `127.0.0.1:${echo.port}`, '--control', path];
    const ended = await runCommand('wsproxy-client', args, { input: 'theirs', token: null });
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'theirs', stderr: '' });
  });
});

describe('the control socket', () => {
  test('is for its owner alone, beside or without SOCKS, and needs no password', async () => {
    const folder = temporaryFolder();
    const users = join(folder, 'users');
    writeFileSync(users, 'alice:secret\n', { mode: 0o600 });
    const [{ path, client }, echo] = await Promise.all([startRunning('-D', '0', '--socks-auth', users), startEcho()]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(client.stderr).toMatch(/"listen":"127\.0\.0\.1:\d+","control":"unix:[^"]+","msg":"ready"/);
    expect(await pipe(path, echo.port, 'no password').ended).toMatchObject({ code: 0, stdout: 'no password' });
    const alone = await startRunning();
    expect(alone.client.stderr).toContain('"ready"');
    expect(alone.client.stderr).not.toContain('"listen"');
  });

  test('replaces one that a dead client has left, and is refused where one lives', async () => {
    const [{ url, path, client }, echo] = await Promise.all([startRunning(), startEcho()]);
    const second = await runCommand('wsproxy-client', [url, '--control', path, '--log-level', 'error']);
    expect(second.code).toBe(1);
    const where = `wsproxy-client: cannot listen on unix:${path}`;
    expect(second.stderr).toBe(
      `${where}: another program listens there; end it or choose another path with --control\n`,
    );
    client.signal('SIGKILL');
    await client.ended;
    const next = launch('wsproxy-client', [url, '--control', path, '--log-format', 'json']);
    await next.untilStderr(/"connected to the server"/);
    expect(await pipe(path, echo.port, 'again').ended).toMatchObject({ code: 0, stdout: 'again' });
  });

  test('that a dead client has left is had by one of two that start at once, and the other says so', async () => {
    const [{ url, path, client }, echo] = await Promise.all([startRunning(), startEcho()]);
    client.signal('SIGKILL');
    await client.ended;
    const both = [1, 2].map(() => launch('wsproxy-client', [url, '--control', path, '--log-format', 'json']));
    const refused = await Promise.race(both.map(({ ended }) => ended));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('another program listens there');
    await Promise.any(both.map((one) => one.untilStderr(/"connected to the server"/)));
    expect(await pipe(path, echo.port, 'one of them').ended).toMatchObject({ code: 0, stdout: 'one of them' });
  });

  test('in a folder that others can write to is refused, by either side', async () => {
    const folder = join(temporaryFolder(), 'open');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const path = join(folder, 'control');
    const told = `wsproxy-client: other users can replace --control ${path}: they can write to its folder; run: chmod go-w ${folder}\n`;
    for (const args of [
      ['ws://127.0.0.1:1/', '--control', path],
      ['-W', 'a:1', '--control', path],
    ]) {
      expect(await runCommand('wsproxy-client', args)).toEqual({ code: 2, signal: null, stdout: '', stderr: told });
    }
  });

  test('is found by a link, but nobody listens at one', async () => {
    const [{ url, path }, echo] = await Promise.all([startRunning(), startEcho()]);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(path, link);
    const flags = [[], ['--log-level', 'warn']];
    for (const more of flags) {
      const args = ['-W', `127.0.0.1:${echo.port}`, '--control', link, ...more];
      const ended = await runCommand('wsproxy-client', args, { token: null, input: 'by link' });
      expect(ended).toEqual({ code: 0, signal: null, stdout: 'by link', stderr: '' });
    }
    const { code, stderr } = await runCommand('wsproxy-client', [url, '--control', link, '--log-level', 'error']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^[^\n]*: there is a file that is no socket;[^\n]*\n$/)]);
  });

  test('has a path of 103 bytes at most', async () => {
    const path = `/tmp/${'x'.repeat(100)}`;
    const { code, stderr } = await runCommand('wsproxy-client', ['ws://127.0.0.1:1/', '--control', path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^wsproxy-client: [^\n]*Expected the path of a socket in at most 103 bytes[^\n]*\n$/);
  });

  test('takes requests while the server is away, and waits for it as other ports do', async () => {
    const [port, echo] = [await freePort(), await startEcho()];
    const path = join(temporaryFolder(), 'control');
    const args = [`ws://127.0.0.1:${port}/`, '--control', path, '--log-format', 'json'];
    const client = launch('wsproxy-client', args);
    await client.untilStderr(/"ready"/);
    const program = pipe(path, echo.port, 'waited');
    await client.untilStderr(/"not connected to the server"/);
    await startServer({}, port);
    expect(await program.ended).toEqual({ code: 0, signal: null, stdout: 'waited', stderr: '' });
  });
});
