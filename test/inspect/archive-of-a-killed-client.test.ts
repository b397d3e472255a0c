import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

async function startSite() {
  const server = createServer((_, response) => response.end('{"password":"hidden"}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('what a client has written is left whole when it is killed, and the next one continues it', async () => {
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

test('an archive without anything to look into, and a file that is something else, are refused in one line', async () => {
  const run = (...more: readonly string[]) =>
    runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '--listen', '0', ...more]);
  const alone = await run('--inspect-out', '/tmp/seen.har');
  expect([alone.code, alone.stderr.trim().split('\n')]).toEqual([
    2,
    [expect.stringContaining('--inspect-out: it takes --inspect')],
  ]);
  const folder = temporaryFolder();
  const other = join(folder, 'other.har');
  writeFileSync(other, 'mine');
  const { code, stderr } = await runCommand(
    'wsproxy-client',
    ['ws://127.0.0.1:9/', '--listen', '0', '--inspect', 'example.org', '--inspect-out', other],
    { env: { XDG_STATE_HOME: folder } },
  );
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('the file is there, and is no archive that was written here'),
  ]);
  expect(readFileSync(other, 'utf8')).toBe('mine');
});
