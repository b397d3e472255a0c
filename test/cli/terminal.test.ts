import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const IN_TERMINAL = fileURLToPath(new URL('../support/programs/in-terminal.py', import.meta.url));

/** The client in a terminal, started by a line for the shell in which `client` stands for it; its server never answers. */
async function startInTerminal(line: string) {
  const server = await listen((socket) => socket.resume());
  const folder = temporaryFolder();
  const client = `echo $$ > pid; exec ${line.replace('client', `"$0" "$1" ws://127.0.0.1:${server.port}/ -D 0`)}`;
  const program = new Program(
    'python3',
    [IN_TERMINAL, 'sh', '-c', client, process.execPath, scriptOf('wsproxy-client')],
    {
      cwd: folder,
      env: { WSPROXY_TOKEN: TOKEN },
      input: 'open',
    },
  );
  await until('the client has connected', () => server.sockets.size === 1);
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  return { program, server, pid, close: () => program.child.stdin?.end() };
}

describe('a terminal that is closed', () => {
  skipUnlessInstalled('python3');

  test.each([
    ['', 'client'],
    [', its log elsewhere', 'client 2> log'],
    [', its input elsewhere', 'client < /dev/null'],
    [', all but its input elsewhere', 'client > out 2> log'],
  ])('ends the client that runs in it%s, with exit code 0', async (_how, line) => {
    const { program, close } = await startInTerminal(line);
    close();
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
  });

  test.each([
    ['has been told not to mind, by nohup', 'nohup client'],
    ['has no stream there', 'client < /dev/null > out 2> log'],
  ])('makes a client try at once that %s', async (_how, line) => {
    const { program, server, pid, close } = await startInTerminal(line);
    atEnd(() => program.child.exitCode === null && process.kill(pid, 'SIGKILL'));
    close();
    await until('the client tries again', () => server.sockets.size === 2);
    expect(program.child.exitCode).toBe(null);
    process.kill(pid, 'SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });
});
