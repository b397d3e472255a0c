import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVER_PORT = 8080;
const CLIENT_PORT = 1080;
const STATUS_PORT = 1081;
const PORTS = [SERVER_PORT, CLIENT_PORT, STATUS_PORT];
/** It may have to build first, ms. */
const START_DEADLINE = 90_000;

/** `npm start` in a process group of its own, as a shell starts it. */
function npmStart(env: Record<string, string>, ...args: string[]): Program {
  const program = new Program('npm', ['start', '--', ...args], { cwd: ROOT, detached: true, env });
  atEnd(() => {
    if (program.child.exitCode === null) process.kill(-program.pid, 'SIGKILL');
  });
  return program;
}

/** What Ctrl-C does: the whole group gets the signal. */
async function pressCtrlC(program: Program): Promise<void> {
  process.kill(-program.pid, 'SIGINT');
  expect(await program.ended).toMatchObject({ code: 0, signal: null });
}

/** The ports that cannot be chosen must be free before, and again after. */
async function expectPortsFree(): Promise<void> {
  for (const port of PORTS) await (await listen((socket) => socket.destroy(), { port })).close();
}

describe('npm start', () => {
  skipUnlessInstalled('npm');
  skipUnlessInstalled('curl');

  test('runs both ends, tells how to try them, and ends both at Ctrl-C with exit code 0', async () => {
    await expectPortsFree();
    const program = npmStart({});
    const line = await program.untilStdout(/^Try +(curl .*)$/m, START_DEADLINE);
    expect(line).toBe('curl -x socks5h://127.0.0.1:1080 https://example.com/');
    expect(program.stdout).toMatch(/wsproxy-server .*ws:\/\/127\.0\.0\.1:8080\//);
    expect(program.stdout).toMatch(/wsproxy-client .*127\.0\.0\.1:1080/);

    const page = await program.untilStdout(/^Watch +(http:.*)$/m);
    expect(await (await fetch(`${page}status.json`)).json()).toMatchObject({
      state: 'online',
      proxy: '127.0.0.1:1080',
    });
    expect(await (await fetch(page)).text()).toContain('<title>wsproxy-client</title>');

    const { stdout } = await run('sh', [
      '-c',
      `${line.replace('https://example.com/', 'http://127.0.0.1:9/')} -v 2>&1`,
    ]);
    expect(stdout).toMatch(/\(2\)|not allowed/);
    await program.untilStderr(/channel failed to open.*127\.0\.0\.1:9.*DENIED/);
    await pressCtrlC(program);
    await expectPortsFree();
  });

  test('passes arguments on to the server: with --allow-private local destinations are reached', async () => {
    await expectPortsFree();
    const [program, files] = [npmStart({}, '--allow-private'), await startWebFiles()];
    const line = await program.untilStdout(/^Try +(curl .*)$/m, START_DEADLINE);
    const url = `http://localhost:${files.port}/start/1000`;
    const { stdout } = await run('sh', ['-c', `${line.replace('https://example.com/', url)} -sS | sha256sum`]);
    expect(stdout.split(' ')[0]).toBe(await sha256OfKeystream('start', 1_000));
    await pressCtrlC(program);
    await expectPortsFree();
  });

  test('with users takes the token of one of them from the environment', async () => {
    await expectPortsFree();
    const file = join(temporaryFolder(), 'users.yaml');
    const digest = createHash('sha256').update(TOKEN).digest('hex');
    writeFileSync(file, `- { id: alice, token: "sha256:${digest}" }\n`, { mode: 0o600 });
    const without = await npmStart({}, '--users', file).ended;
    expect([without.code, without.stderr]).toEqual([1, expect.stringMatching(/^cannot start:.*WSPROXY_TOKEN.*\n/)]);
    const program = npmStart({ WSPROXY_TOKEN: TOKEN }, '--users', file);
    await program.untilStdout(/^Try/m, START_DEADLINE);
    await pressCtrlC(program);
    await expectPortsFree();
  });

  test('of an address that this machine does not have says so', async () => {
    const { code, stderr } = await npmStart({}, '--listen', '192.0.2.1:8080').ended;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^cannot start: 192\.0\.2\.1 port 8080 .*no such address\n/),
    ]);
  });

  test.each(PORTS)('K14 ends with exit code 1 and one clear line when port %d is taken', async (port) => {
    await expectPortsFree();
    const taken = await listen((socket) => socket.destroy(), { port });
    const program = npmStart({});
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    const lines = stderr.split('\n').filter((each) => each !== '' && !each.startsWith('npm '));
    expect(lines).toEqual([expect.stringMatching(new RegExp(`\\b${port}\\b`))]);
    await taken.close();
    await expectPortsFree();
  });
});
