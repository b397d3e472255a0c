import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { LONG_TEXT, startDnsmasq } from 'wsproxy-test-support/destinations/dnsmasq';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freeDatagramPort } from 'wsproxy-test-support/sockets/datagram-socket';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { startForward } from './forwarded.js';

const IN_TERMINAL = fileURLToPath(new URL('../support/programs/in-terminal.py', import.meta.url));

/** A resolver that knows nothing, and asks a nameserver at this port. */
async function startUnbound(nameserver: number): Promise<number> {
  const [port, folder] = [await freeDatagramPort(), temporaryFolder()];
  const file = join(folder, 'unbound.conf');
  const server = [
    ...['use-syslog: no', 'chroot: ""', 'username: ""', 'pidfile: ""', `directory: "${folder}"`, 'verbosity: 1'],
    ...['interface: 127.0.0.1', `port: ${port}`, 'do-not-query-localhost: no', 'module-config: "iterator"'],
    'local-zone: "test." nodefault',
  ];
  const zone = ['name: "."', `forward-addr: 127.0.0.1@${nameserver}`];
  const lines = (words: readonly string[]) => words.map((word) => `  ${word}\n`).join('');
  writeFileSync(file, `server:\n${lines(server)}remote-control:\n  control-enable: no\nforward-zone:\n${lines(zone)}`);
  await new Program('unbound', ['-d', '-c', file]).untilStderr(/start of service/);
  return port;
}

describe('a nameserver behind -L /udp', () => {
  for (const program of ['dnsmasq', 'dig']) skipUnlessInstalled(program);

  const ask = (program: string, port: number, ...words: string[]) =>
    run(program, ['@127.0.0.1', '-p', String(port), '+short', ...words]);

  describe.each(['dig', 'kdig'])('is asked by %s', (program) => {
    skipUnlessInstalled(program);

    test('for an address, and for what takes more than a frame of Ethernet', async () => {
      const { port } = await startForward(await startDnsmasq());
      expect(await ask(program, port, 'known.test')).toMatchObject({ code: 0, stdout: '192.0.2.7\n' });
      const long = await ask(program, port, '+bufsize=4096', '+ignore', 'known.test', 'TXT');
      expect(long).toMatchObject({ code: 0, stdout: `${LONG_TEXT.map((text) => `"${text}"`).join(' ')}\n` });
    });
  });

  test('is asked by unbound, which takes a port for each question, and by dig behind it', async (context) => {
    skipWithout(context, 'unbound');
    const { port } = await startForward(await startDnsmasq());
    const resolver = await startUnbound(port);
    const names = Array.from({ length: 40 }, (_, n) => `name${n}.known.test`);
    const { code, stdout } = await ask('dig', resolver, ...names);
    expect(code).toBe(0);
    expect(stdout).toBe('192.0.2.7\n'.repeat(names.length));
  });
});

describe.each([
  ['nc', (port: string) => ['-u', '-w', '1', '127.0.0.1', port]],
  ['socat', (port: string) => ['-t', '1', '-', `UDP4:127.0.0.1:${port}`]],
])('%s', (program, argumentsTo) => {
  skipUnlessInstalled(program);

  test('gets its line back from an echo behind -L /udp', async () => {
    const echo = await startDatagramEcho();
    const { port } = await startForward(echo.port);
    const ended = await run(program, argumentsTo(String(port)), { input: 'a line\n' });
    expect(ended).toMatchObject({ stdout: 'a line\n', stderr: '' });
  });
});

describe('mosh', () => {
  for (const program of ['mosh-server', 'mosh-client', 'python3']) skipUnlessInstalled(program);

  test('goes on in its shell when the WebSocket is lost', async () => {
    const port = await freeDatagramPort();
    const started = await run('mosh-server', ['new', '-i', '127.0.0.1', '-p', String(port), '--', 'sh']);
    const [, key = ''] = /MOSH CONNECT \d+ (\S+)/.exec(started.stdout) ?? [];
    const [, pid = ''] = /pid = (\d+)/.exec(started.stderr) ?? [];
    atEnd(() => endOf(Number(pid)));
    const forward = await startForward(port);
    const line = `stty rows 24 cols 80 && exec mosh-client 127.0.0.1 ${forward.port}`;
    const client = new Program('python3', [IN_TERMINAL, 'sh', '-c', line], {
      env: { MOSH_KEY: key, TERM: 'xterm' },
      input: 'open',
    });
    const say = async (a: number, b: number) => {
      client.child.stdin?.write(`echo =$((${a}*${b}))\r`);
      await client.untilStdout(new RegExp(`=${a * b}`), 20_000);
    };
    await say(6, 7);
    forward.relay.cut('reset');
    await say(8, 9);
    client.child.stdin?.write('exit\r');
    await client.untilStdout(/mosh is exiting/);
    client.child.stdin?.end();
    expect((await client.ended).code).toBe(0);
  });
});

/** A program that has left its parent ends by itself, or now. */
async function endOf(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
  await until(`process ${pid} is gone`, () => !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
