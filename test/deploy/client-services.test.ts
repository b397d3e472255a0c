import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const INSTALLED = '/opt/wsproxy-client/bin/wsproxy-client.js';

/** The home of somebody who has written docs/client.md's configuration file, for a server of this machine. */
async function prepareHome(): Promise<{ home: string; port: number }> {
  const [{ port: serverPort }, port] = await Promise.all([startServer(), freePort()]);
  const home = temporaryFolder();
  const folder = join(home, '.config', 'wsproxy');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
  const settings = [
    `url: ws://127.0.0.1:${serverPort}/`,
    'token-file: token',
    `listen: 127.0.0.1:${port}`,
    'status: 0',
  ];
  writeFileSync(join(folder, 'client.yaml'), `${settings.join('\n')}\n`);
  return { home, port };
}

/** It starts with what the file says, works, and ends by SIGTERM as if it was wanted. */
async function expectToRun(command: readonly string[]): Promise<void> {
  const [{ home, port }, echo] = await Promise.all([prepareHome(), startEcho()]);
  const [, script, ...args] = command;
  expect(script).toBe(INSTALLED);
  const program = new Program(process.execPath, [scriptOf('wsproxy-client'), ...args], { env: { HOME: home } });
  await program.untilStderr(/ ready /);
  const socket = await bySocks5(port, '127.0.0.1', echo.port);
  socket.end('hello');
  expect((await readBytes(socket, 5)).toString()).toBe('hello');
  program.signal('SIGHUP');
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0 });
}

describe('the systemd user unit', () => {
  skipUnlessInstalled('systemd-analyze');

  const unit = () => readFileSync(join(DEPLOY, 'wsproxy-client.service'), 'utf8');

  test('is understood in every line', async () => {
    const path = join(temporaryFolder(), 'wsproxy-client.service');
    // Whether the programs are there is looked at as well.
    writeFileSync(path, unit().replace('/usr/bin/node', process.execPath));
    const env = { XDG_RUNTIME_DIR: temporaryFolder() };
    const verified = await run('systemd-analyze', ['--user', 'verify', '--man=no', path], { env });
    expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('starts a client that works', async () => {
    const [command = ''] = /^ExecStart=(.*)$/m.exec(unit())?.slice(1) ?? [];
    await expectToRun(command.split(' '));
  });

  test('starts it again unless that is of no use', () => {
    expect(unit()).toMatch(/^Restart=on-failure$/m);
    expect(unit()).toMatch(/^RestartPreventExitStatus=2$/m);
  });
});

describe('the launchd property list', () => {
  skipUnlessInstalled('python3');

  /** As the property list that it is, not only as XML. */
  async function read(): Promise<Record<string, unknown>> {
    const path = join(temporaryFolder(), 'list.plist');
    cpSync(join(DEPLOY, 'org.wsproxy.client.plist'), path);
    const script = 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))';
    const { stdout, stderr } = await run('python3', ['-c', script, path]);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  test('is well-formed, and named as its file', async () => {
    const { ProgramArguments, StandardErrorPath, ...rest } = await read();
    expect(rest).toEqual({
      Label: 'org.wsproxy.client',
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 30,
      Umask: 0o077,
    });
    // Both are replaced by the line in docs/client.md.
    const replaced = readFileSync(join(DEPLOY, '../docs/client.md'), 'utf8');
    for (const [name, place] of [
      ['YOU', StandardErrorPath],
      ['/usr/local/bin/node', String(ProgramArguments)],
    ] as const) {
      expect(place).toContain(name);
      expect(replaced).toMatch(new RegExp(`sed "[^"]*${name}`));
    }
  });

  test('starts a client that works', async () => {
    const { ProgramArguments } = await read();
    await expectToRun(ProgramArguments as string[]);
  });
});
