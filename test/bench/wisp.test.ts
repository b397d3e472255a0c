import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const RUN = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));
const SCENARIOS = ['down 1', 'down 64', 'up 1', 'up 64'];

skipUnlessInstalled('openssl');

test('Wisp is measured by itself where no registry of npm has the server of others, and that is told', async () => {
  const [programs, results] = [temporaryFolder(), temporaryFolder()];
  writeFileSync(join(programs, 'npm'), '#!/bin/sh\necho "no registry" >&2\nexit 1\n', { mode: 0o755 });
  const { PATH } = process.env;
  const env = { PATH: `${programs}:${PATH}`, TMPDIR: temporaryFolder() };
  const args = [RUN, '--to', results, '--quick', '--repeats', '1', 'wisp'];
  const { code, stdout, stderr } = await new Program(process.execPath, args, { env }).ended;

  expect(stderr).toMatch(/^wisp-js is left out: npm does not install \S+: no registry$/m);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('Bytes by Wisp');
  const { tables, data } = JSON.parse(readFileSync(join(results, 'wisp.json'), 'utf8'));
  const [bytes, opens] = tables.map(({ rows }: { rows: object[] }) => rows);
  const alone = { way: 'wsproxy', 'rate ratio': 1, 'rate spread': '1–1', 'CPU ratio': 1, 'ratio to': 'wsproxy' };
  expect(bytes).toMatchObject(SCENARIOS.map((scenario) => ({ scenario, ...alone, 'MiB/s': expect.any(Number) })));
  expect(opens).toMatchObject(['opens 1', 'opens 32'].map((scenario) => ({ scenario, ...alone })));
  for (const { measured } of data)
    expect(measured).toEqual({ wsproxy: [{ rate: expect.any(Number), cost: expect.any(Number) }] });
  expect(readFileSync(join(results, 'wisp-opens.svg'), 'utf8')).toContain('>wsproxy</text>');
});
