import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

/** Listens when nearly no descriptor is left, and when there are some again. */
const SCRIPT = `
  import { closeSync, openSync } from 'node:fs';
  import { createClient } from 'wsproxy-client';
  const client = createClient({ url: 'ws://127.0.0.1:1/', token: 'x'.repeat(40) });
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {}
  for (const left of taken.splice(0, Number(process.argv[1]))) closeSync(left);
  const outcome = () => client.listen({ port: 0 }).then(() => 'listens', ({ code }) => code);
  const first = await outcome();
  for (const each of taken) closeSync(each);
  console.log(first, await outcome());
  await client.close();
`;

// Three are enough for the port, eight for some of what it needs.
test.skipIf(process.platform === 'win32').each([0, 3, 8])(
  'a client with %d descriptors left listens once there are more',
  async (left) => {
    const line = 'ulimit -n 400; exec "$0" --input-type=module -e "$1" "$2"';
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const { stdout, stderr } = await run('bash', ['-c', line, process.execPath, SCRIPT, String(left)], { cwd });
    expect([stdout, stderr]).toEqual(['EMFILE listens\n', '']);
  },
);
