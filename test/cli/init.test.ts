import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type ProgramName, runCommand, scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startOddProxy } from 'wsproxy-test-support/sockets/odd-proxy';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const IN_TERMINAL = fileURLToPath(new URL('../support/programs/in-terminal.py', import.meta.url));
const PACKAGED = fileURLToPath(new URL('../../deploy/packages/server.yaml', import.meta.url));
const USERS = `- { id: alice, token: "sha256:${'0'.repeat(64)}" }\n`;
const ANSWERED = ['--host-name', 'gw.example.net', '--front', 'caddy'];

/** `init` of a program, without a terminal, beside a configuration file in this folder. */
function init(name: ProgramName, folder: string, args: readonly string[] = [], input = '') {
  const file = join(folder, `${name.replace('wsproxy-', '')}.yaml`);
  return runCommand(name, ['init', '--config', file, ...args], { token: null, input, env: { HOME: folder } });
}

/** The same in a terminal. */
function initInTerminal(name: ProgramName, folder: string): Program {
  const file = join(folder, `${name.replace('wsproxy-', '')}.yaml`);
  const words = [process.execPath, scriptOf(name), 'init', '--config', file];
  // The terminal outlives it.
  const shell = ['sh', '-c', '"$@"; echo "exit code $?"', 'sh'];
  return new Program('python3', [IN_TERMINAL, ...shell, ...words], { input: 'open', env: { HOME: folder } });
}

async function exitCode(program: Program): Promise<number> {
  return Number(await program.untilStdout(/exit code (\d+)/));
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');

describe('wsproxy-server init', () => {
  test.each([
    [[], '--host-name is missing; without a terminal, init takes its answers from flags'],
    [['--host-name', 'gw.example.net'], '--front is missing; without a terminal, init takes its answers from flags'],
    [[...ANSWERED, '--token-file', 'x'], '--token-file cannot stand beside init'],
    [
      ['--host-name', 'gw.example.net/a', '--front', 'caddy'],
      "option '--host-name <name>' argument 'gw.example.net/a' is invalid. a host name has no path; give the path with --path; see wsproxy-server init --help",
    ],
    [
      [...ANSWERED, '--path', '/a;b'],
      '--path: behind caddy, init takes a path of letters, digits, and any of / . _ ~ -',
    ],
    [[...ANSWERED, '--listen', 'unix:/run/x'], '--listen: behind caddy, init takes a port, or host:port'],
    [[...ANSWERED, '--allow', '10.0.0.0/33'], expect.stringMatching(/^--allow: .*10\.0\.0\.0\/33/)],
  ])('without a terminal ends with one line for %j, and writes nothing', async (args, line) => {
    const folder = join(temporaryFolder(), 'server');
    const { code, stdout, stderr } = await init('wsproxy-server', folder, args);
    expect([code, stdout, stderr.trimEnd().replace('wsproxy-server: ', '')]).toEqual([2, '', line]);
    expect(() => statSync(folder)).toThrow('ENOENT');
  });

  test('prints the same line when it runs again, and changes no file', async () => {
    const folder = temporaryFolder();
    const lineIn = (text: string) => /^ {2}(wss:\/\/gw.example.net\/tunnel#[\w-]{43})$/m.exec(text)?.[1];
    const first = await init('wsproxy-server', folder, ANSWERED);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(lineIn(first.stdout)).toBe(`wss://gw.example.net/tunnel#${read(folder, 'token').trim()}`);
    const before = ['token', 'server.yaml', 'Caddyfile'].map((name) => read(folder, name));
    const second = await init('wsproxy-server', folder, ANSWERED);
    expect(lineIn(second.stdout)).toBe(lineIn(first.stdout));
    expect(second.stdout.match(/ \(stays as it is\)$/gm)).toHaveLength(3);
    expect(['token', 'server.yaml', 'Caddyfile'].map((name) => read(folder, name))).toEqual(before);
  });

  test('replaces what somebody has written only with --force', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'server.yaml'), 'listen: 9000\n');
    const refused = await init('wsproxy-server', folder, ANSWERED);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/server\.yaml is there.*--force/) });
    expect(() => read(folder, 'token')).toThrow('ENOENT');
    expect(await init('wsproxy-server', folder, [...ANSWERED, '--force'])).toMatchObject({ code: 0, stderr: '' });
    expect(read(folder, 'server.yaml.old')).toBe('listen: 9000\n');
  });

  test.each([
    ['users', 'token-file: token', 'token', ['--user', 'carol'], 'every client that has the token'],
    ['one token', 'users: users.yaml', 'users.yaml', [], 'every user'],
  ] as const)('puts %s in the place of others only with --force, and says who would lose access', async (...row) => {
    const [, line, name, args, who] = row;
    const folder = temporaryFolder();
    const settings = readFileSync(PACKAGED, 'utf8').replace('token-file: token', line);
    writeFileSync(join(folder, 'server.yaml'), settings);
    writeFileSync(join(folder, name), name === 'token' ? `${TOKEN}\n` : USERS, { mode: 0o600 });
    const refused = await init('wsproxy-server', folder, [...ANSWERED, ...args]);
    const says = `${who} of ${join(folder, name)} would lose access; nothing was written; --force does it all the same`;
    expect([refused.code, refused.stderr]).toEqual([1, `wsproxy-server: ${says}\n`]);
    expect(read(folder, 'server.yaml')).toBe(settings);
    expect(() => read(folder, 'Caddyfile')).toThrow('ENOENT');
    expect(await init('wsproxy-server', folder, [...ANSWERED, ...args, '--force'])).toMatchObject({ code: 0 });
    expect(read(folder, 'server.yaml.old')).toBe(settings);
  });

  test('writes what `config check` finds no mistake in', async () => {
    const folder = temporaryFolder();
    const more = ['--user', 'alice', '--max-sessions', '9', '--allow', '10.0.0.0/8', '--no-udp'];
    expect(await init('wsproxy-server', folder, [...ANSWERED, ...more])).toMatchObject({ code: 0, stderr: '' });
    const checked = await runCommand('wsproxy-server', ['config', 'check', join(folder, 'server.yaml')]);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(read(folder, 'server.yaml')).toMatch(
      /^users: users.yaml\nallow: 10.0.0.0\/8\nudp: false\nmax-sessions: 9\n/m,
    );
  });

  test('says in one line that nothing can be written, in place of trying for ever', async () => {
    const { code, stderr } = await runCommand(
      'wsproxy-server',
      ['init', '--config', '/proc/nope/server.yaml', ...ANSWERED],
      { token: null },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wsproxy-server: cannot write \/proc\/nope: [^\n]+; nothing was written\n$/);
  });

  test('says how a user who is there already gets a new line', async () => {
    const folder = temporaryFolder();
    const args = [...ANSWERED, '--user', 'alice'];
    expect(await init('wsproxy-server', folder, args)).toMatchObject({ code: 0 });
    const { code, stdout } = await init('wsproxy-server', folder, [...args, '--user', 'bob']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}bob: wss:/m);
    expect(stdout).toContain('There is no line for alice: the users file has no tokens, only their digests.\n');
    expect(stdout).toContain(`the line that takes the place of the old one in ${join(folder, 'users.yaml')}:\n\n  `);
    expect(stdout).toMatch(/^ {2}.* token --id alice$/m);
    expect(stdout).toContain('\nThe client then gets wss://gw.example.net/tunnel#TOKEN, ');
  });

  test('tells that others can change the users file before it looks for mistakes there', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'users.yaml');
    writeFileSync(path, 'nonsense\n', { mode: 0o644 });
    const { code, stderr } = await init('wsproxy-server', folder, [...ANSWERED, '--user', 'alice']);
    expect(code).toBe(2);
    expect(stderr).toBe(`wsproxy-server: other users can read or change users file ${path}; run: chmod 600 ${path}\n`);
  });

  test('takes no user whose name is none', async () => {
    const folder = temporaryFolder();
    const { code, stderr } = await init('wsproxy-server', folder, [...ANSWERED, '--user', 'none']);
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, lines: 1 });
    expect(stderr).toMatch(/none is not the name of a user; for one token for everybody leave --user out/);
    expect(() => read(folder, 'token')).toThrow('ENOENT');
  });

  test('adds no user to a users file with a mistake in it', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'users.yaml'), 'nonsense\n', { mode: 0o600 });
    const { code, stderr } = await init('wsproxy-server', folder, [...ANSWERED, '--user', 'alice']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/users\.yaml:1: expected a list/);
    expect(read(folder, 'users.yaml')).toBe('nonsense\n');
  });

  describe('in a terminal', () => {
    skipUnlessInstalled('python3');

    test('asks for what is missing, and writes it', async () => {
      const folder = temporaryFolder();
      const program = initInTerminal('wsproxy-server', folder);
      const answer = (text: string) => program.child.stdin?.write(`${text}\r`);
      await program.untilStdout(/Host name that clients use/);
      answer('192.0.2.1');
      await program.untilStdout(/an address has no certificate/);
      answer('GW.example.net');
      await program.untilStdout(/caddy, nginx, haproxy, or none \[\w+\]: /);
      answer('haproxy');
      await program.untilStdout(/Users/);
      answer('alice, bob');
      await program.untilStdout(/Write them \[yes\]: /);
      answer('');
      const line = await program.untilStdout(/(bob: wss:\/\/gw\.example\.net\/tunnel#[\w-]{43})/);
      expect(line).toContain('bob');
      expect(await exitCode(program)).toBe(0);
      expect(read(folder, 'haproxy.cfg')).toContain('/etc/haproxy/certs/gw.example.net.pem');
      expect(read(folder, 'users.yaml').match(/^- \{ id: "(alice|bob)"/gm)).toHaveLength(2);
    });

    test('writes nothing when the user presses Ctrl-C', async () => {
      const folder = temporaryFolder();
      const program = initInTerminal('wsproxy-server', folder);
      await program.untilStdout(/Host name that clients use/);
      program.child.stdin?.write('\u0003');
      await program.untilStdout(/wsproxy-server: stopped: nothing was written/);
      expect(await exitCode(program)).toBe(1);
      expect(() => read(folder, 'token')).toThrow('ENOENT');
    });
  });
});

test.each([
  ['wsproxy-server', /configuration file that it writes:\n {2}wsproxy-server init .*--reverse\n/],
  ['wsproxy-client', /configuration file that it writes:\n {2}wsproxy-client init --listen 1090\n/],
] as const)('%s init --help says what becomes of other flags', async (name, text) => {
  expect(await runCommand(name, ['init', '--help'])).toMatchObject({ code: 0, stdout: expect.stringMatching(text) });
});

describe('wsproxy-client init', () => {
  const lineFor = async () => `ws://127.0.0.1:${(await startServer()).port}/#${TOKEN}`;
  test('writes what the client needs from the line, and examines the way', async () => {
    const folder = temporaryFolder();
    const [line, more] = [await lineFor(), ['--listen', '1090', '--bypass', '*.corp.example', '--status', '1091']];
    const { code, stdout, stderr } = await init('wsproxy-client', folder, more, `${line}\n`);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^✓ session +the server has begun a session$/m);
    expect(stdout).toContain('\n  chromium --proxy-server=socks5://127.0.0.1:1090\n');
    expect(stdout).toContain('\n  http://127.0.0.1:1091/proxy.pac\n');
    expect(stdout).not.toContain(TOKEN);
    expect(read(folder, 'token')).toBe(`${TOKEN}\n`);
    expect(statSync(join(folder, 'token')).mode & 0o777).toBe(0o600);
    expect(read(folder, 'client.yaml')).toMatch(/^listen: 1090\nstatus: 1091\nbypass: "\*\.corp\.example"\n/m);
    const checked = await runCommand('wsproxy-client', ['config', 'check', join(folder, 'client.yaml')]);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
  });

  test('keeps settings for the same server when it runs again', async () => {
    const folder = temporaryFolder();
    const line = await lineFor();
    const settings = `url: ${line.split('#')[0]}\ntoken-file: token\nlisten: 1099\nheartbeat: 30s\n`;
    writeFileSync(join(folder, 'client.yaml'), settings);
    const { code, stdout } = await init('wsproxy-client', folder, [], line);
    expect(code).toBe(0);
    expect(read(folder, 'client.yaml')).toBe(settings);
    expect(stdout).toContain('\n  curl -x socks5h://127.0.0.1:1099 https://example.com/\n');
  });

  test('keeps the files when the server cannot be used, and says what is wrong', async () => {
    const folder = temporaryFolder();
    const line = (await lineFor()).replace(TOKEN, TOKEN.toUpperCase());
    const { code, stdout, stderr } = await init('wsproxy-client', folder, [], line);
    expect(code).toBe(1);
    const [cause, hint, ...more] = stderr.trimEnd().split('\n');
    expect(cause).toMatch(
      /^wsproxy-client: .*refused the token \(401\); check the line of wsproxy-server init: it is incomplete or old$/,
    );
    expect(hint).toMatch(/^wsproxy-client: the files stay; once that is mended, look again: .* doctor$/);
    expect(hint).toContain(` --config ${join(folder, 'client.yaml')} doctor`);
    expect(more).toEqual([]);
    expect(stdout).toMatch(/Now the way to the server:\n\n$/);
    expect(read(folder, 'token')).toBe(`${TOKEN.toUpperCase()}\n`);
  });

  test('succeeds where nothing but HTTP passes, and says so in one line', async () => {
    const folder = temporaryFolder();
    const proxy = await startOddProxy((await startServer()).port);
    const line = `ws://127.0.0.1:${proxy.port}/#${TOKEN}`;
    const { code, stdout, stderr } = await init('wsproxy-client', folder, [], line);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^! http +the answer is not a WebSocket's \(426\); the client uses HTTP instead$/m);
    expect(stdout).toMatch(/^✓ session +the server has begun a session$/m);
    expect(stdout).toContain('\nStart it now');
    const refused = await init('wsproxy-client', folder, ['--transport', 'ws', '--force'], line);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/not a WebSocket's \(426\)/) });
  });

  test('changes the token of another line only with --force', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'token'), 'of the user\n', { mode: 0o600 });
    const line = await lineFor();
    expect(await init('wsproxy-client', folder, [], line)).toMatchObject({ code: 1 });
    expect(read(folder, 'token')).toBe('of the user\n');
    expect(await init('wsproxy-client', folder, ['--force'], line)).toMatchObject({ code: 0 });
    expect([read(folder, 'token'), read(folder, 'token.old')]).toEqual([`${TOKEN}\n`, 'of the user\n']);
  });

  test.each([
    [
      'nothing',
      [],
      '',
      2,
      /^wsproxy-client: standard input: expected the line that wsproxy-server init has printed: .*\n$/,
    ],
    [
      'a line among the arguments',
      [`wss://gw.example.net/#${TOKEN}`],
      '',
      2,
      /^wsproxy-client: other users would see the line, .* run wsproxy-client init alone, and paste the line\n$/,
    ],
    [
      'a command for the token',
      ['--token-command', 'x'],
      '',
      2,
      /^wsproxy-client: --token-command cannot stand beside init\n$/,
    ],
  ] as const)('refuses %s, and shows no token', async (_what, args, input, exitCode, line) => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await init('wsproxy-client', folder, args, input);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(stderr).toMatch(line);
    expect(stderr).not.toContain(TOKEN);
    expect(() => read(folder, 'token')).toThrow('ENOENT');
  });

  test('takes the line as a mail has broken it', async () => {
    const folder = temporaryFolder();
    const line = await lineFor();
    const pasted = `> "${line.slice(0, -10)}\r\n> ${line.slice(-10)}"\r\n`;
    expect(await init('wsproxy-client', folder, [], pasted)).toMatchObject({ code: 0, stderr: '' });
    expect(read(folder, 'token')).toBe(`${TOKEN}\n`);
  });

  test('misspelt is told as such', async () => {
    const { code, stdout, stderr } = await runCommand('wsproxy-client', ['innit'], { token: null });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe("wsproxy-client: unknown command 'innit' (Did you mean init?); see wsproxy-client --help\n");
  });

  test('a line in place of a URL is told without its token', async () => {
    const { code, stderr } = await runCommand('wsproxy-client', [`wss://gw.example.net/#${TOKEN}`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^wsproxy-client: url: the URL must have nothing behind #: .*wsproxy-client init[^\n]*\n$/);
    expect(stderr).not.toContain(TOKEN);
  });

  describe('in a terminal', () => {
    skipUnlessInstalled('python3');

    test('asks for the line, and shows nothing of it', async () => {
      const folder = temporaryFolder();
      const line = await lineFor();
      const program = initInTerminal('wsproxy-client', folder);
      await program.untilStdout(/Paste the line/);
      program.child.stdin?.write(`${line}\r`);
      await program.untilStdout(/Write them \[yes\]: /);
      program.child.stdin?.write('\r');
      await program.untilStdout(/Start it now/);
      expect(await exitCode(program)).toBe(0);
      expect(program.stdout).not.toContain(TOKEN);
      expect(read(folder, 'token')).toBe(`${TOKEN}\n`);
    });

    test('takes a line that a mail has broken', async () => {
      const folder = temporaryFolder();
      const line = await lineFor();
      const program = initInTerminal('wsproxy-client', folder);
      await program.untilStdout(/Paste the line/);
      program.child.stdin?.write(`${line.slice(0, -5)}\r${line.slice(-5)}`);
      program.child.stdin?.write('\r');
      await program.untilStdout(/Write them \[yes\]: /);
      program.child.stdin?.write('\r');
      await program.untilStdout(/Start it now/);
      expect(await exitCode(program)).toBe(0);
      expect(program.stdout).not.toContain(line.slice(-5));
      expect(read(folder, 'token')).toBe(`${TOKEN}\n`);
    });

    test('replaces nothing unless the user wants that', async () => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'token'), 'of the user\n', { mode: 0o600 });
      const program = initInTerminal('wsproxy-client', folder);
      await program.untilStdout(/Paste the line/);
      program.child.stdin?.write(`${await lineFor()}\r`);
      await program.untilStdout(/Replace what is there, and keep it as FILE.old \[no\]: /);
      program.child.stdin?.write('\r');
      expect(await exitCode(program)).toBe(1);
      expect(read(folder, 'token')).toBe('of the user\n');
    });
  });
});
