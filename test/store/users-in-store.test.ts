import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Listening, launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import type { Ended, Program } from 'wsproxy-test-support/programs/program';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

skipUnlessInstalled('redis-server');

const OTHER = 'another-token-for-tests-0123456789-0123456789';
const line = (id: string, token: string): string =>
  `- { id: ${id}, token: "sha256:${createHash('sha256').update(token).digest('hex')}" }\n`;
const [ALICE, BOB] = [line('alice', TOKEN), line('bob', OTHER)];

async function newRedis(): Promise<RedisProgram> {
  const redis = new RedisProgram();
  await redis.start();
  return redis;
}

/** `wsproxy-server users put` of a file with this text. */
function put(redis: RedisProgram, text: string): Promise<Ended> {
  const file = join(temporaryFolder(), 'users.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  return runCommand('wsproxy-server', ['users', 'put', file, '--cluster', redis.url], { token: null });
}

const flagsOf = (redis: RedisProgram, file: string): string[] => [
  ...['--cluster', redis.url, '--users-from-store', file, '--allow-private'],
];

function startServer(redis: RedisProgram, file: string, ...flags: readonly string[]): Promise<Listening> {
  return start('wsproxy-server', [...flagsOf(redis, file), ...flags], { token: null });
}

const newFile = (): string => join(temporaryFolder(), 'copy.yaml');

async function statusFor(port: number, token: string): Promise<number> {
  const { status, socket } = await requestUpgrade(port, { Authorization: `Bearer ${token}` });
  socket.destroy();
  return status;
}

/** An application whose connection stays open, of the user with this token. */
async function talkAt({ port }: Listening, token: string) {
  const talker = await listen((socket) => socket.write('hello'));
  const { port: local } = await startClient(port, { token });
  const connection = await bySocks5(local, '127.0.0.1', talker.port);
  expect(String(await readBytes(connection, 5))).toBe('hello');
  return connection;
}

async function failsToStart(redis: RedisProgram, file: string): Promise<Program> {
  const program = launch('wsproxy-server', [...flagsOf(redis, file), '--listen', '127.0.0.1:0'], { token: null });
  expect(await program.ended).toMatchObject({ code: 1 });
  return program;
}

test('users are added and removed once for all servers, and one who is removed is out everywhere within 5 s', async () => {
  const redis = await newRedis();
  expect(await put(redis, ALICE + BOB)).toMatchObject({ code: 0, stdout: 'users.yaml: 2 users are in the store\n' });
  const servers = [
    await startServer(redis, newFile(), '--node', 'one'),
    await startServer(redis, newFile(), '--node', 'two', '--workers', '2'),
  ];
  const hers = await Promise.all(servers.map((server) => talkAt(server, TOKEN)));
  const his = await Promise.all(servers.map((server) => talkAt(server, OTHER)));
  expect(await put(redis, BOB)).toMatchObject({ code: 0, stdout: 'users.yaml: 1 user is in the store\n' });
  const since = performance.now();
  for (const connection of hers) expect(await readToEnd(connection)).toMatchObject({ by: 'reset' });
  expect(performance.now() - since).toBeLessThan(5_000);
  for (const { port } of servers) expect(await statusFor(port, TOKEN)).toBe(401);
  expect(his.map((connection) => connection.destroyed)).toEqual([false, false]);
  await put(redis, ALICE + BOB);
  for (const { port } of servers)
    await until('she is let in again', async () => (await statusFor(port, TOKEN)) === 101, 5_000);
});

test('a store that is empty, or gone, throws nobody out, and a server starts with its copy meanwhile', async () => {
  const redis = await newRedis();
  await put(redis, ALICE);
  const file = newFile();
  const { program, port } = await startServer(redis, file);
  await redis.cli('FLUSHALL');
  await program.untilStderr(/there are none in the store[^\n]*"users of the store not used, those of before stay"/);
  expect(await statusFor(port, TOKEN)).toBe(101);
  await redis.kill();
  await program.untilStderr(/no connection to the store[^\n]*"users of the store not used, those of before stay"/);
  expect(await statusFor(port, TOKEN)).toBe(101);
  program.signal('SIGTERM');
  await program.ended;
  const next = await startServer(redis, file);
  expect([await statusFor(next.port, TOKEN), await statusFor(next.port, OTHER)]).toEqual([101, 401]);
  await redis.start();
  await put(redis, BOB);
  await until('the users of now are in', async () => (await statusFor(next.port, OTHER)) === 101, 10_000);
  expect(await statusFor(next.port, TOKEN)).toBe(401);
});

test('a server without any users does not start, and says where they should come from', async () => {
  const redis = await newRedis();
  const file = newFile();
  const empty = await failsToStart(redis, file);
  expect(empty.stderr).toMatch(/^wsproxy-server: --users-from-store: [^\n]*users put FILE --cluster URL\n$/);
  await redis.kill();
  const away = await failsToStart(redis, file);
  expect(away.stderr).toMatch(/^wsproxy-server: --users-from-store: [^\n]*no connection to the store: [^\n]*\n$/);
  expect(existsSync(file)).toBe(false);
});

test('a file with a mistake does not come into the store, and what is there can be printed', async () => {
  const redis = await newRedis();
  await put(redis, ALICE);
  const wrong = await put(redis, `${BOB}- { id: carol }\n`);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^wsproxy-server: \S+users\.yaml:2: a user needs token: [^\n]+\n$/);
  const get = () => runCommand('wsproxy-server', ['users', 'get', '--cluster', redis.url], { token: null });
  expect(await get()).toMatchObject({ code: 0, stdout: ALICE, stderr: '' });
  await redis.kill();
  const away = await get();
  expect(away).toMatchObject({ code: 1, stdout: '' });
  expect(away.stderr).toMatch(/^wsproxy-server: --cluster: no connection to the store: [^\n]+\n$/);
});

test('a copy that is put back into the store is the document that it is a copy of', async () => {
  const redis = await newRedis();
  await put(redis, ALICE);
  const file = newFile();
  await startServer(redis, file);
  expect(await put(redis, readFileSync(file, 'utf8'))).toMatchObject({ code: 0 });
  expect(await redis.cli('HGET', 'wsproxy-users:{default}', 'text')).toBe(ALICE.trim());
});

test.each<[what: string, flags: readonly string[], line: RegExp]>([
  ['no store', [], /--users-from-store: it takes --cluster, which says where the store is$/],
  ['a users file', ['--cluster', 'redis://127.0.0.1:1', '--users', 'users'], /--users-from-store[^\n]+--users <file>/],
  [
    'a token file',
    ['--cluster', 'redis://127.0.0.1:1', '--token-file', 'token'],
    /--users-from-store[^\n]+--token-file/,
  ],
])('a server that is given %s beside is told so in one line', async (_, flags, expected) => {
  const words = ['--users-from-store', newFile(), '--listen', '127.0.0.1:0', ...flags];
  const { code, stderr } = await runCommand('wsproxy-server', words, { token: null });
  expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
  expect(stderr.trim()).toMatch(expected);
});

test('the store may stand in the configuration file, where nobody sees its password', async () => {
  const redis = await newRedis();
  const folder = temporaryFolder();
  const [config, file] = [join(folder, 'server.yaml'), join(folder, 'users.yaml')];
  writeFileSync(config, `cluster: ${redis.url}\nusers-from-store: copy.yaml\n`, { mode: 0o600 });
  writeFileSync(file, ALICE, { mode: 0o600 });
  const words = ['users', 'put', file, '--config', config];
  expect(await runCommand('wsproxy-server', words, { token: null })).toMatchObject({ code: 0, stderr: '' });
  expect(await runCommand('wsproxy-server', ['config', 'check', config], { token: null })).toMatchObject({ code: 0 });
  writeFileSync(config, 'users-from-store: copy.yaml\n');
  expect(await runCommand('wsproxy-server', ['config', 'check', config], { token: null })).toMatchObject({
    code: 2,
    stderr: `wsproxy-server: ${config}:1: users-from-store: it takes --cluster, which says where the store is\n`,
  });
});
