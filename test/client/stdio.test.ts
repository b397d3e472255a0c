import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { keystreamBytes, sha256, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { launch, runCommand, shellLine, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startEndingFirst } from 'wsproxy-test-support/sockets/ending-first';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const LENGTH = 20_000_000;

async function prepare() {
  const { server, port } = await startServer();
  return { server, url: `ws://127.0.0.1:${port}/`, serverPort: port };
}

describe('wsproxy-client -W', () => {
  test.each([0, 5, 3_000_000])('sends the end of its %d bytes of input, and gets the answer to it', async (length) => {
    const [{ url }, destination] = await Promise.all([prepare(), startAnswerAfterEnd()]);
    const input = keystreamBytes('stdio', length);
    const ended = await runCommand('wsproxy-client', [url, '-W', `127.0.0.1:${destination.port}`], { input });
    expect(ended).toEqual({ code: 0, signal: null, stdout: `${await sha256(input)}\n`, stderr: '' });
  });

  test('carries much both ways at once, unchanged, and nothing else on standard output', async () => {
    const [{ url }, echo] = await Promise.all([prepare(), startEcho()]);
    const line = shellLine('wsproxy-client', [url, '-N', '-W', `localhost:${echo.port}`]);
    const input = keystreamBytes('both', LENGTH);
    const env = { WSPROXY_TOKEN: TOKEN };
    const { stdout, stderr } = await run('bash', ['-o', 'pipefail', '-c', `${line} | sha256sum`], { input, env });
    expect([stdout.split(' ')[0], stderr]).toEqual([await sha256OfKeystream('both', LENGTH), '']);
  });

  test('ends standard output when the destination has ended, while its input goes on', async () => {
    const destination = await startEndingFirst('bye');
    const { url } = await prepare();
    const line = shellLine('wsproxy-client', [url, '-W', `127.0.0.1:${destination.port}`]);
    const script = `set -o pipefail; ${line} | { cat; echo :end; }`;
    const program = new Program('bash', ['-c', script], { env: { WSPROXY_TOKEN: TOKEN }, input: 'open' });
    await program.untilStdout(/^bye:end\n$/);
    program.child.stdin?.write('late');
    await until('what came late has arrived', () => destination.received() === 'late');
    expect(program.stderr).toBe('');
    program.child.stdin?.end();
    expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('delivers what it has sent before it exits, however slowly the destination reads', async () => {
    const sockets: Socket[] = [];
    const destination = await listen((socket) => {
      socket.end();
      socket.pause();
      sockets.push(socket);
    });
    const { url } = await prepare();
    const input = keystreamBytes('slow', LENGTH);
    const ended = runCommand('wsproxy-client', [url, '-W', `127.0.0.1:${destination.port}`], { input });
    await until('the destination is dialled', () => sockets.length === 1);
    let length = 0;
    sockets[0]?.on('data', (chunk) => {
      length += chunk.length;
    });
    sockets[0]?.resume();
    expect(await ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
    await until('every byte has come', () => length === LENGTH);
  });

  test('survives the loss of the transport in the middle', async () => {
    const [{ serverPort }, source] = await Promise.all([prepare(), startSource('cut', LENGTH)]);
    const relay = await new CuttingRelay(serverPort).start();
    let passed = 0;
    let cuts = 0;
    relay.onBytes = (connection, bytes) => {
      passed += bytes;
      if (passed < 4_000_000 || cuts === 3) return;
      passed = 0;
      cuts += 1;
      connection.cut('reset');
    };
    const line = shellLine('wsproxy-client', [`ws://127.0.0.1:${relay.port}/`, '-W', `127.0.0.1:${source.port}`]);
    const env = { WSPROXY_TOKEN: TOKEN };
    const { code, stdout } = await run('bash', ['-o', 'pipefail', '-c', `${line} < /dev/null | sha256sum`], { env });
    expect([code, stdout.split(' ')[0], cuts]).toEqual([0, await sha256OfKeystream('cut', LENGTH), 3]);
  });
});

describe('wsproxy-client -W ends with exit code 1 and one line', () => {
  test('when the destination refuses', async () => {
    const [{ url }, port] = [await prepare(), await freePort()];
    const ended = await runCommand('wsproxy-client', [url, '-W', `127.0.0.1:${port}`], { input: 'x' });
    const stderr = `wsproxy-client: 127.0.0.1:${port}: connection refused\n`;
    expect(ended).toEqual({ code: 1, signal: null, stdout: '', stderr });
  });

  test('when the destination resets, after what it had sent', async () => {
    const destination = await listen((socket) => {
      socket.write('some');
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { url } = await prepare();
    const program = launch('wsproxy-client', [url, '-W', `127.0.0.1:${destination.port}`], { input: 'open' });
    await program.untilStdout(/some/);
    program.child.stdin?.write('x');
    const stderr = `wsproxy-client: 127.0.0.1:${destination.port}: connection reset\n`;
    expect(await program.ended).toEqual({ code: 1, signal: null, stdout: 'some', stderr });
  });

  test('when the token is wrong', async () => {
    const { url } = await prepare();
    const token = 'another-token-0123456789-0123456789';
    const ended = await runCommand('wsproxy-client', [url, '-W', 'localhost:22'], { token, input: 'x' });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^wsproxy-client: ws:[^\n]*token[^\n]*\n$/);
  });

  test('when nobody reads its standard output any more', async () => {
    const [{ url, server }, source] = await Promise.all([prepare(), startSource('epipe', LENGTH)]);
    const args = [url, '-W', `127.0.0.1:${source.port}`];
    const script = `{ ${shellLine('wsproxy-client', args)}; echo $? >&2; } | head -c 1000 | wc -c`;
    const ended = await run('bash', ['-c', script], { env: { WSPROXY_TOKEN: TOKEN } });
    expect(ended.stdout.trim()).toBe('1000');
    const line = `wsproxy-client: 127.0.0.1:${source.port}: nobody reads standard output any more\n`;
    expect(ended.stderr).toBe(`${line}1\n`);
    await until('the channel is over', () => server.channelCount === 0);
  });
});

test.each(['SIGHUP', 'SIGTERM'] as const)('wsproxy-client -W ends by %s, and its channel with it', async (signal) => {
  const [{ url, server }, echo] = await Promise.all([prepare(), startEcho()]);
  const program = launch('wsproxy-client', [url, '-W', `127.0.0.1:${echo.port}`], { input: 'open' });
  program.child.stdin?.write('hello');
  await program.untilStdout(/hello/);
  program.signal(signal);
  expect(await program.ended).toEqual({ code: 0, signal: null, stdout: 'hello', stderr: '' });
  await until('the channel is over', () => server.channelCount === 0);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'a second signal, %s, ends wsproxy-client -W at once with exit code %d, read or not',
  async (signal, code) => {
    const [{ url }, source] = await Promise.all([prepare(), startSource('unread', LENGTH)]);
    const program = launch('wsproxy-client', [url, '-W', `127.0.0.1:${source.port}`], { input: 'open' });
    // With one signal it would wait until somebody reads.
    program.child.stdout?.pause();
    const looks: number[] = [];
    await until('its standard output is full, and nothing moves any more', () => {
      looks.push([...source.sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0));
      return looks.length > 40 && (looks.at(-1) ?? 0) > 1e6 && looks.at(-1) === looks.at(-40);
    });
    program.signal('SIGTERM');
    await until('it has ended', () => {
      program.signal(signal);
      return program.child.exitCode !== null;
    });
    program.child.stdout?.resume();
    expect(await program.ended).toMatchObject({ code, signal: null });
  },
);
