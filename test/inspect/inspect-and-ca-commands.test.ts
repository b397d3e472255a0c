import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { type Ended, type Program, run } from 'wsproxy-test-support/programs/program';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { listenOn } from './listen-on.js';

/** A user of their own, who has these programs alone. */
function newUser(...programs: readonly string[]): { home: string; env: Record<string, string>; folder: string } {
  const home = temporaryFolder();
  atEnd(() => rmSync(home, { recursive: true }));
  const path = join(home, 'bin');
  mkdirSync(path);
  for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(path, program));
  const env = { HOME: home, PATH: path, XDG_STATE_HOME: '', XDG_CONFIG_HOME: '', LANG: 'C' };
  return { home, env, folder: join(home, '.local/state/wsproxy/inspect') };
}

async function stop(program: Program): Promise<void> {
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0 });
}

const ca = (env: Record<string, string>, ...args: readonly string[]): Promise<Ended> =>
  runCommand('wsproxy-client', ['ca', ...args], { token: null, env });

describe('wsproxy-client --inspect', () => {
  test('makes a CA that curl trusts when it is told to, and keeps it for the next time', async () => {
    const { home, env, folder } = newUser();
    const { port: serverPort } = await startServer();
    const args = [
      `ws://127.0.0.1:${serverPort}/`,
      '--status',
      '127.0.0.1:0',
      '--inspect',
      'localhost',
      '--inspect',
      '*.example.org:443',
    ];
    const own = await makeCertificate(home, 'DNS:localhost', 2);
    const all = { ...env, NODE_EXTRA_CA_CERTS: own.file };
    const { program, port } = await start('wsproxy-client', args, { env: all });
    expect(program.stderr).toMatch(/"rules":"localhost, \*\.example\.org:443","ca":"[^"]+\/inspect\/ca\.pem"/);
    const to = await listenOn(createHttpsServer(own, (_asked, response) => void response.end('hello')));
    const file = join(folder, 'ca.pem');
    const got = await run('curl', [
      '-sS',
      '--noproxy',
      '',
      '-x',
      `socks5h://127.0.0.1:${port}`,
      '--cacert',
      file,
      '-v',
      `https://localhost:${to}/`,
    ]);
    expect([got.code, got.stdout]).toEqual([0, 'hello']);
    expect(got.stderr).toMatch(/issuer: CN=wsproxy inspection [0-9a-f]{8}/);
    expect((statSync(join(folder, 'ca-key.pem')).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
    await stop(program);
    const { stdout } = await ca(env, 'export');
    const next = await start('wsproxy-client', [...args.slice(0, 3), '--inspect', 'x.example.org'], { env: all });
    await stop(next.program);
    expect((await ca(env, 'export')).stdout).toBe(stdout);
  });

  test.each([
    ['*', 2, /^wsproxy-client: --inspect: \* names every host; expected a host, \*\.host/],
    ['a b', 2, /^wsproxy-client: --inspect: not a destination rule: "a b"/],
    ['a.org/udp', 2, /^wsproxy-client: --inspect: a\.org\/udp is of UDP, which is not looked into/],
    [
      'other.example',
      1,
      /^wsproxy-client: --inspect: the CA in .* is for localhost alone, and the rules name other\.example: run wsproxy-client ca remove/,
    ],
  ])('says in one line why it does not look into %s', async (rule, code, line) => {
    const { env } = newUser();
    const args = ['ws://127.0.0.1:1/', '--listen', '127.0.0.1:0', '--status', '127.0.0.1:0'];
    const { port } = await startServer();
    const { program } = await start(
      'wsproxy-client',
      [`ws://127.0.0.1:${port}/`, '--status', '127.0.0.1:0', '--inspect', 'localhost'],
      { env },
    );
    await stop(program);
    const ended = await runCommand('wsproxy-client', [...args, '--inspect', rule], { env });
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(line);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('wsproxy-client ca', () => {
  test.each(['export', 'trust'])('%s says what to do when there is none', async (command) => {
    const { env } = newUser();
    expect(await ca(env, command)).toMatchObject({
      code: 1,
      stderr: 'wsproxy-client: there is no CA yet: start wsproxy-client with --inspect, which makes one\n',
    });
  });

  test('trust has Chromium trust it, and remove ends that and leaves nothing', async (context) => {
    skipWithout(context, 'certutil');
    const { home, env, folder } = newUser('certutil');
    const startBrowser = 'Chromium and Chrome: start the browser once, then run this command again.';
    const database = join(home, '.local/share/pki/nssdb');
    mkdirSync(database, { recursive: true });
    const certutil = (...args: readonly string[]): Promise<Ended> =>
      run('certutil', ['-d', `sql:${database}`, ...args]);
    const { port } = await startServer();
    const { program } = await start(
      'wsproxy-client',
      [`ws://127.0.0.1:${port}/`, '--status', '127.0.0.1:0', '--inspect', 'localhost'],
      { env },
    );
    await stop(program);
    expect((await ca(env, 'trust')).stdout).toContain(startBrowser);
    await certutil('-N', '--empty-password');
    const trusted = await ca(env, 'trust');
    expect(trusted.stdout).not.toContain(startBrowser);
    expect(trusted).toMatchObject({ code: 0, stderr: '' });
    expect(trusted.stdout).toContain('It is trusted now by Chromium and Chrome.');
    expect(trusted.stdout).toContain(`  NODE_EXTRA_CA_CERTS=${folder}/ca.pem node ...\n`);
    expect((await certutil('-L')).stdout).toMatch(/wsproxy inspection [0-9a-f]{8} +C,,/);
    expect((await ca(env, 'trust')).stdout).toContain('It is trusted already by Chromium and Chrome.');
    expect(await ca(env, 'remove')).toMatchObject({
      code: 0,
      stdout: 'The key and the certificate are deleted.\nIt is trusted no more by Chromium and Chrome.\n',
    });
    expect((await certutil('-L')).stdout).not.toContain('wsproxy');
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
    expect((await ca(env, 'remove')).stdout).toBe('There is no CA: nothing was deleted.\n');
  });
});
