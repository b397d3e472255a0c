import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const NEW = 'another-token-for-tests-0123456789-0123456789';

const entry = (token: string, label: string, expires?: Date) => ({
  sha256: createHash('sha256').update(token).digest('hex'),
  label,
  ...(expires && { expires }),
});
const old = entry(TOKEN, 'old');
const fresh = entry(NEW, 'new');

function file(name: string, text: string, mode = 0o600): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
}

/** A server whose one user has these tokens. */
const startWith = (...tokens: ReturnType<typeof entry>[]) => startServer({ users: [{ id: 'alice', tokens }] });

describe('a client with a token file', () => {
  test('goes over to the token that comes into it, and connections outlive the old one', async () => {
    const { server, port } = await startWith(old);
    const token = file('token', `${TOKEN}\n`);
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--token-file', token], { token: null });
    const echo = await startEcho();
    const application = await bySocks5(client.port, '127.0.0.1', echo.port);
    application.write('be');
    expect(String(await readBytes(application, 2))).toBe('be');

    server.setUsers([{ id: 'alice', tokens: [old, fresh] }]);
    writeFileSync(token, `${NEW}\n`);
    await until('the new token is in use', () => server.sessions()[0]?.tokenLabel === 'new', 10_000);
    server.setUsers([{ id: 'alice', tokens: [fresh] }]);
    application.end('fore');
    expect(await readToEnd(application)).toEqual({ bytes: 4, by: 'end' });
    expect(server.sessions()).toMatchObject([{ tokenLabel: 'new', resumes: 1 }]);
    expect(client.program.stderr.includes(TOKEN) || client.program.stderr.includes(NEW)).toBe(false);
  });

  test('stays where it is while the server does not know the new token, or the file holds none', async () => {
    const { server, port } = await startWith(old);
    const token = file('token', `${TOKEN}\n`);
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--token-file', token], { token: null });
    await until('it is connected', () => server.sessions().length === 1);
    writeFileSync(token, 'short\n');
    await client.program.untilStderr(/token file [^\n]* has 5 characters[^\n]*no other transport/);
    writeFileSync(token, `${NEW}\n`);
    await client.program.untilStderr(/refused the token[^\n]*no other transport/);
    expect(server.sessions()).toMatchObject([{ tokenLabel: 'old', attached: true, resumes: 0 }]);
    server.setUsers([{ id: 'alice', tokens: [old, fresh] }]);
    await until('the new token is in use', () => server.sessions()[0]?.tokenLabel === 'new', 10_000);
  });
});

describe('a client with a command for the token', () => {
  /** It prints what the file holds, and notes each time that it runs. */
  function command(token: string) {
    const [source, runs] = [file('token', token), join(temporaryFolder(), 'runs')];
    return {
      line: `printf x >> ${runs}; head -n 1 ${source}; echo "user: alice"`,
      write: (text: string) => writeFileSync(source, text),
      runs: () => (existsSync(runs) ? readFileSync(runs).length : 0),
    };
  }

  test('runs it once, and again when its token has expired, which costs nothing that runs', async () => {
    const { server, port } = await startWith(old);
    const { line, write, runs } = command(`${TOKEN}\nnot the token\n`);
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--token-command', line], { token: null });
    const echo = await startEcho();
    const application = await bySocks5(client.port, '127.0.0.1', echo.port);
    application.write('be');
    expect(String(await readBytes(application, 2))).toBe('be');
    expect(runs()).toBe(1);

    write(`${NEW}\n`);
    server.setUsers([{ id: 'alice', tokens: [entry(TOKEN, 'old', new Date()), fresh] }]);
    await until('the new token is in use', () => server.sessions()[0]?.tokenLabel === 'new', 20_000);
    expect(runs()).toBe(2);
    server.setUsers([{ id: 'alice', tokens: [fresh] }]);
    application.end('fore');
    expect(await readToEnd(application)).toEqual({ bytes: 4, by: 'end' });
  });

  test('runs it again on SIGHUP, and goes over to what it gives then', async () => {
    const { server, port } = await startWith(old, fresh);
    const { line, write, runs } = command(`${TOKEN}\n`);
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--token-command', line], { token: null });
    await until('it is connected', () => server.sessions()[0]?.tokenLabel === 'old');
    write(`${NEW}\n`);
    client.program.signal('SIGHUP');
    await until('the new token is in use', () => server.sessions()[0]?.tokenLabel === 'new');
    expect([runs(), server.sessions().length, server.sessions()[0]?.resumes]).toEqual([2, 1, 1]);
  });

  test('is told by the command which server it is for', async () => {
    const [{ port }, asked] = [await startWith(old), join(temporaryFolder(), 'asked')];
    const url = `ws://127.0.0.1:${port}/`;
    const line = `echo "$WSPROXY_SERVER" > ${asked}; echo ${TOKEN}`;
    await start('wsproxy-client', [url, '--token-command', line], { token: null });
    await until('it was asked', () => existsSync(asked) && readFileSync(asked, 'utf8') === `${url}\n`);
  });

  test('tells why it gives none, with what it says, and tries again until it does', async () => {
    const { port } = await startWith(old);
    const { line, write } = command('');
    const script = `${line.split('; echo')[0]} | grep . || { echo "the keyring is locked" >&2; exit 3; }`;
    const args = [`ws://127.0.0.1:${port}/`, '--token-command', script, '--listen', '127.0.0.1:0'];
    const program = launch('wsproxy-client', [...args, '--log-format', 'json'], { token: null });
    await program.untilStderr(/"text":"the keyring is locked"[^\n]*the command for the token says/);
    await program.untilStderr(/--token-command failed with exit code 3[^\n]*not connected to the server/);
    write(TOKEN);
    await program.untilStderr(/"ready"/);
  });

  test.each([
    ['prints nothing', 'true', /--token-command printed no token/],
    ['prints what is none', 'echo please log in', /the first line of --token-command has 13 characters/],
    ['is ended', 'kill -9 $$', /--token-command was ended by SIGKILL/],
    ['prints without an end', 'yes', /--token-command printed more than 65536 characters/],
  ])('that %s does not end', async (_what, line, message) => {
    const args = ['ws://127.0.0.1:9/', '--token-command', line, '--listen', '127.0.0.1:0'];
    const program = launch('wsproxy-client', args, { token: null });
    await program.untilStderr(message);
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });

  test('that is not there ends at once', async () => {
    const args = ['ws://127.0.0.1:9/', '--token-command', 'no-such-command-for-tests', '--listen', '127.0.0.1:0'];
    const { code, stderr } = await runCommand('wsproxy-client', args, { token: null });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wsproxy-client: ws:[^\n]*: --token-command cannot be run \(exit code 127\): check it$/m);
  });

  test('leaves nothing behind of what still runs when it ends itself', async () => {
    const pid = join(temporaryFolder(), 'pid');
    const line = `sleep 1000 & echo $! > ${pid}; wait`;
    const args = ['ws://127.0.0.1:9/', '--token-command', line, '--listen', '127.0.0.1:0'];
    const program = launch('wsproxy-client', args, { token: null });
    await until('the command runs', () => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n'));
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    const isThere = () => {
      try {
        // A zombie that nobody waits for has no command line.
        return readFileSync(`/proc/${Number(readFileSync(pid, 'utf8'))}/cmdline`).length > 0;
      } catch {
        return false;
      }
    };
    await until('the command is gone', () => !isThere());
  });

  test.each<[string, (folder: string) => string[]]>([
    ['on the command line', () => ['ws://127.0.0.1:9/', '--token-command', 'true', '--token-file', 'x']],
    [
      'in the configuration file',
      (folder) => {
        const config = join(folder, 'client.yaml');
        writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
        writeFileSync(config, 'token-command: "true"\ntoken-file: token\n', { mode: 0o600 });
        return ['ws://127.0.0.1:9/', '--config', config];
      },
    ],
  ])('takes no token file beside it %s', async (_where, args) => {
    const { code, stderr } = await runCommand('wsproxy-client', args(temporaryFolder()), { token: null });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/token-command.*token-file|token-file.*token-command/)]);
  });

  test('runs none of a configuration file that others can write', async () => {
    const config = file('client.yaml', 'token-command: "true"\n', 0o666);
    const { code, stderr } = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--config', config], {
      token: null,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/other users can change .* \(it names a command\); run: chmod go-w/);
  });

  test('lets the doctor run it too', async () => {
    const { port } = await startWith(old);
    const args = ['doctor', `ws://127.0.0.1:${port}/`, '--quick', '--token-command', `echo ${TOKEN}`];
    const { stdout } = await runCommand('wsproxy-client', args, { token: null });
    expect(stdout).toMatch(/✓ session/);
  });
});
