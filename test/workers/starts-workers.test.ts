import { describe, expect, test } from 'vitest';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { doorsIn, isAlive, readyLine, workersOf } from './workers.js';

const LISTEN = ['--listen', '127.0.0.1:0', '--log-format', 'json'];

describe('a server with workers', () => {
  test('says once that it is ready, and how many serve', async () => {
    const { program } = await start('wsproxy-server', ['--workers', '3']);
    expect(readyLine(program)).toMatchObject({ workers: 3, users: 1, tls: false, udp: true, path: '/' });
    expect(program.stderr.match(/"msg":"ready"/g)).toHaveLength(1);
    expect(workersOf(program)).toHaveLength(3);
  });

  test('has as many as the machine has cores with auto', async () => {
    const { program } = await start('wsproxy-server', ['--workers', 'auto']);
    const { workers } = readyLine(program);
    expect(workers).toBeGreaterThanOrEqual(1);
    expect(workersOf(program)).toHaveLength(workers as number);
  });

  test.each<[string, string[], { token?: null }, number, RegExp]>([
    ['an option that cannot be used', ['--path', 'tunnel'], {}, 2, /^wsproxy-server: [^\n]*path[^\n]*\n$/],
    ['no token', [], { token: null }, 2, /^wsproxy-server: no token: [^\n]*\n$/],
    [
      'a file that is missing',
      ['--tls-cert', '/no/such', '--tls-key', '/no/such'],
      {},
      2,
      /^wsproxy-server: cannot read the file of --tls-cert[^\n]*\n$/,
    ],
    [
      'no number of workers',
      ['--workers', '0'],
      {},
      2,
      /^wsproxy-server: [^\n]*expected a number from 1 to 128, or auto[^\n]*\n$/,
    ],
  ])('ends with one line and the usual exit code for %s', async (_what, args, options, code, line) => {
    const ended = await runCommand('wsproxy-server', ['--workers', '3', ...LISTEN, ...args], options);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(line) });
  });

  test('ends with one line and exit code 1 when its port is in use', async () => {
    const other = await listen(() => {});
    const ended = await runCommand('wsproxy-server', ['--workers', '2', '--listen', `127.0.0.1:${other.port}`]);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    const said = ended.stderr.split('\n').filter((line) => line.startsWith('wsproxy-server: '));
    const advice = 'the port is in use; choose another port with --listen, or end what has this one';
    expect(said).toEqual([`wsproxy-server: cannot listen on 127.0.0.1:${other.port}: ${advice}`]);
  });

  test('takes no secret from a pipe, which only one of its workers could read', async () => {
    const args = ['--workers', '2', ...LISTEN, '--token-file', '/dev/stdin'];
    const ended = await runCommand('wsproxy-server', args, { token: null, input: `${TOKEN}\n` });
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^wsproxy-server: --token-file: each worker [^\n]*\n$/),
    });
  });

  test('that is to end before it has begun leaves neither a folder nor a process behind', async () => {
    const folder = temporaryFolder();
    const program = launch('wsproxy-server', ['--listen', '127.0.0.1:0', '--workers', '2'], {
      env: { TMPDIR: folder },
    });
    await until('workers start', () => workersOf(program).length === 2);
    const workers = workersOf(program);
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
    expect(doorsIn(folder)).toEqual([]);
    expect(workers.filter(isAlive)).toEqual([]);
  });

  test('that is killed before it has begun leaves nobody behind who serves', async () => {
    const folder = temporaryFolder();
    const program = launch('wsproxy-server', ['--listen', '127.0.0.1:0', '--workers', '2'], {
      env: { TMPDIR: folder },
    });
    await until('workers start', () => workersOf(program).length === 2);
    const workers = workersOf(program);
    program.signal('SIGKILL');
    await program.ended;
    await until('they have ended', () => !workers.some(isAlive));
    // Each that took itself for a server would have made one.
    expect(doorsIn(folder).length).toBeLessThanOrEqual(1);
  });

  test('leaves no folder behind', async () => {
    const folder = temporaryFolder();
    const env = { TMPDIR: folder };
    const { program } = await start('wsproxy-server', ['--workers', '2'], { env });
    expect(doorsIn(folder)).toHaveLength(1);
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(doorsIn(folder)).toEqual([]);
  });
});

test.each([
  ['there is no such folder', '/nowhere'],
  ['it is no folder', '/dev/null'],
  ['its path is longer than 75 bytes', `/${'long'.repeat(20)}`],
])('a server with workers says where it cannot put their sockets: %s', async (why, TMPDIR) => {
  const env = { TMPDIR };
  expect(await runCommand('wsproxy-server', ['--workers', '2', ...LISTEN], { env })).toMatchObject({
    code: 1,
    stderr: `wsproxy-server: cannot make the sockets of the workers in ${TMPDIR}: ${why}; set TMPDIR to another folder\n`,
  });
});

test('a server without workers does not take --retire in silence', async () => {
  const ended = await runCommand('wsproxy-server', [...LISTEN, '--retire', '5s']);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toBe(
    'wsproxy-server: --retire: it takes --workers N: it says how long workers that were exchanged may go on\n',
  );
});
