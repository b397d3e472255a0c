import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { har } from 'har-validator';
import { expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { listenOn } from './listen-on.js';

const startSite = () => listenOn(createServer((_, response) => response.end('{"password":"hidden"}')));

test('what a client writes is kept from a second one, left whole when it is killed, and continued by the next one', async () => {
  skipUnlessInstalled('curl');
  const [{ port: serverPort }, site] = [await startServer(), await startSite()];
  const folder = temporaryFolder();
  atEnd(() => rmSync(folder, { recursive: true }));
  const archive = join(folder, 'seen.har');
  const args = [`ws://127.0.0.1:${serverPort}/`, '--inspect', '127.0.0.1', '--inspect-out', archive];
  const env = { XDG_STATE_HOME: folder };
  const entries = () => JSON.parse(readFileSync(archive, 'utf8')).log.entries;
  const curl = (port: number) =>
    run('curl', [
      '-sS',
      '--noproxy',
      '',
      '-x',
      `socks5h://127.0.0.1:${port}`,
      '-H',
      'Cookie: a=b',
      `http://127.0.0.1:${site}/`,
    ]);

  const first = await start('wsproxy-client', args, { env });
  expect((await curl(first.port)).stdout).toBe('{"password":"hidden"}');
  await until('it is written', () => entries().length === 1);
  expect(statSync(archive).mode & 0o777).toBe(0o600);
  const { code, stderr } = await runCommand('wsproxy-client', [...args, '--listen', '0'], { env });
  expect([code, stderr.trim().split('\n')]).toEqual([
    1,
    [expect.stringContaining(`--inspect: process ${first.program.pid} writes to ${archive}`)],
  ]);
  first.program.signal('SIGKILL');
  await first.program.ended;
  await har(JSON.parse(readFileSync(archive, 'utf8')));

  const second = await start('wsproxy-client', [...args, '--inspect-secrets'], { env });
  await curl(second.port);
  await until('it is continued', () => entries().length === 2);
  second.program.signal('SIGTERM');
  expect(await second.program.ended).toMatchObject({ code: 0 });
  const texts = entries().map((entry: { response: { content: { text: string } } }) => entry.response.content.text);
  expect(texts).toEqual(['{"password":"***"}', '{"password":"hidden"}']);
});

test('an archive without --inspect, --inspect that shows nothing, a file that is something else, and a page for other machines are refused in one line', async () => {
  const folder = temporaryFolder();
  const run = (...more: readonly string[]) =>
    runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--listen', '0', ...more], { env: { XDG_STATE_HOME: folder } });
  const alone = await run('--inspect-out', '/tmp/seen.har');
  expect([alone.code, alone.stderr.trim().split('\n')]).toEqual([
    2,
    [expect.stringContaining('--inspect-out: it takes --inspect')],
  ]);
  const unseen = await run('--inspect', 'example.org');
  expect([unseen.code, unseen.stderr.trim().split('\n')]).toEqual([
    2,
    [
      expect.stringContaining(
        '--inspect: nobody would see anything; it takes --status, --inspect-out or --inspect-script',
      ),
    ],
  ]);
  const other = join(folder, 'other.har');
  writeFileSync(other, 'mine');
  const { code, stderr } = await run('--inspect', 'example.org', '--inspect-out', other);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('the file is there, and is no archive that was written here'),
  ]);
  expect(readFileSync(other, 'utf8')).toBe('mine');

  const wide = await run('--inspect', 'example.org', '--status', '0.0.0.0:0');
  expect([wide.code, wide.stderr]).toEqual([
    1,
    expect.stringContaining('other machines can reach 0.0.0.0, and would see all'),
  ]);
});
