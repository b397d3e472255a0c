import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

test.each([
  ['a file that is not there', ['no-such-file'], 1, /No test files found/],
  ['a title that no test has', ['cli/test/size.test.ts', '-t', 'no such title'], 1, /No test has a title that matches/],
  ['a title that a test has', ['cli/test/size.test.ts', '-t', 'reads'], 0, /^(?!.*No test)/s],
] as const)('a run of %s', async (_what, args, code, line) => {
  const ended = await run(process.execPath, [VITEST, 'run', '--project', 'unit', ...args], { cwd: ROOT });
  expect([ended.code, ended.stdout + ended.stderr]).toEqual([code, expect.stringMatching(line)]);
});
