import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const SCRIPT = `
  console.log('it begins');
  export default {
    onRequest(request) { if (request.url.endsWith('/made')) return new Response('made'); request.body = 'changed'; },
    onResponse(response) { throw new Error('on purpose'); },
  };`;

test('a client runs the script that it is given, and shows and writes what that has changed', async () => {
  skipUnlessInstalled('curl');
  const [{ port: serverPort }, site] = [
    await startServer(),
    await listenOn(createServer((asked, response) => void asked.pipe(response))),
  ];
  const folder = temporaryFolder();
  atEnd(() => rmSync(folder, { recursive: true }));
  const [script, archive] = [join(folder, 'script.mjs'), join(folder, 'seen.har')];
  writeFileSync(script, SCRIPT);
  const { program, port } = await start(
    'wsproxy-client',
    [
      ...[`ws://127.0.0.1:${serverPort}/`, '--inspect', '127.0.0.1', '--inspect-out', archive],
      ...['--inspect-script', script, '--status', '0', '--log-format', 'json'],
    ],
    { env: { XDG_STATE_HOME: folder } },
  );
  const proxy = ['-sS', '--noproxy', '', '-x', `socks5h://127.0.0.1:${port}`];
  const { stdout } = await run('curl', [
    ...proxy,
    ...['made', 'echo'].map((path) => `http://127.0.0.1:${site}/${path}`),
  ]);
  expect(stdout).toBe('madechanged');
  const log = program.stderr;
  expect(log).toMatch(/"text":"it begins".*"the script says"/);
  expect(log).toContain(`"script":"${script}:5","in":"onResponse","reason":"on purpose"`);
  const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
  const { stdout: lines } = await run('curl', ['-sS', '--noproxy', '*', `${url}inspect.ndjson?follow=no`]);
  const parts = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).scripted);
  expect(parts).toEqual([['answer'], ['request']]);
  const read = () => JSON.parse(readFileSync(archive, 'utf8'));
  await until('all is written', () => read().log.entries.length === 2);
  await har(read());
  expect(read().log.entries.map(({ comment }: { comment: string }) => comment)).toEqual([
    'changed by the script: answer',
    'changed by the script: request',
  ]);
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0 });
});

test.each([
  [undefined, 'there is no file {script}'],
  ['export default {};', '{script}: its default export has no onRequest, onResponse or onMessage'],
  ['\nthrow new Error("on purpose");', '{script}:2: on purpose'],
])('the script %j is refused in one line', async (text, problem) => {
  const folder = temporaryFolder();
  const script = join(folder, 'script.mjs');
  if (text !== undefined) writeFileSync(script, text);
  const { code, stderr } = await runCommand(
    'wsproxy-client',
    ['ws://127.0.0.1:9/', '--listen', '0', '--inspect', 'example.org', '--inspect-script', script],
    { env: { XDG_STATE_HOME: folder } },
  );
  expect([code, stderr]).toEqual([2, `wsproxy-client: --inspect-script: ${problem.replace('{script}', script)}\n`]);
});
