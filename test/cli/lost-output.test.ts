import { expect, test } from 'vitest';
import { scriptOf } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';

test.each([
  ['wsproxy-server', ['token']],
  ['wsproxy-client', ['completion', 'bash']],
] as const)('%s that could not write what it was asked for does not end as if it had', async (name, args) => {
  const words = ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, scriptOf(name), ...args];
  expect(await run('sh', words)).toMatchObject({
    code: 1,
    stderr: `${name}: cannot write to standard output: no space left\n`,
  });
});
