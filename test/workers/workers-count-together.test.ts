import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { start } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { lines, pageOf, pidOf } from './workers.js';

interface Sessions {
  readonly sessions: readonly unknown[];
}

async function countSessions(server: Parameters<typeof pageOf>[0]): Promise<number> {
  return (JSON.parse(await pageOf(server, '/sessions')) as Sessions).sessions.length;
}

const ADMIN = ['--admin', '127.0.0.1:0'];

/** Six clients come at once, of which three may. */
async function expectThree(args: readonly string[]): Promise<ReturnType<typeof start>> {
  const started = await start('wsproxy-server', ['--workers', '3', '--max-sessions-per-user', '3', ...ADMIN, ...args]);
  for (let i = 0; i < 6; i++) startClient(started.port).catch(() => {});
  const { program } = started;
  await until('three are in, and others are refused', async () => {
    const refused = lines(program, 'a limit was reached').some(({ limit }) => limit === 'sessionsPerUser');
    return refused && (await countSessions(program)) === 3;
  });
  return started;
}

test('a user has as many sessions in all workers as they may have, and those of a killed worker are free at once', async () => {
  const { program } = await expectThree([]);
  const killed = pidOf(program, 1);
  process.kill(killed, 'SIGKILL');
  await until('another has taken its place', () => lines(program, 'a worker is ready').length === 4);
  await until('there are three again', async () => (await countSessions(program)) === 3);
});

test('workers count together with those of other servers by the store', async (context) => {
  skipWithout(context, 'redis-server');
  const redis = new RedisProgram();
  await redis.start();
  await expectThree(['--cluster', redis.url]);
  const { program, port } = await start('wsproxy-server', [
    ...['--workers', '2', '--max-sessions-per-user', '3', '--node', 'other'],
    ...[...ADMIN, '--cluster', redis.url],
  ]);
  startClient(port).catch(() => {});
  await until('it is refused there', () => lines(program, 'a limit was reached').length > 0);
  expect(await countSessions(program)).toBe(0);
});

test('the parent keeps the bytes of the month of all workers in one file', async () => {
  const file = join(temporaryFolder(), 'quota.json');
  const { program, port } = await start('wsproxy-server', ['--workers', '2', '--allow-private', '--quota-file', file]);
  const source = await startSource('workers', 3_000_000);
  for (let i = 0; i < 2; i++) {
    const { client } = await startClient(port);
    const socket = await client.connect({ host: '127.0.0.1', port: source.port });
    for await (const _ of socket);
  }
  program.signal('SIGTERM');
  await program.ended;
  const { bytes } = JSON.parse(readFileSync(file, 'utf8')) as { bytes: Record<string, number> };
  expect(bytes['default']).toBeGreaterThanOrEqual(6_000_000);
});
