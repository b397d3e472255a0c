import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

/** A program whose first connection past the tunnel comes when it has no descriptor left; then there are some again. */
const PROGRAM = `
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { createClient } from 'wsproxy-client';

const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const target = '127.0.0.1:' + server.address().port;
const client = createClient({ url: 'ws://127.0.0.1:1/', token: 'x'.repeat(32), bypass: ['127.0.0.1'] });
const told = () => client.connect(target).then((socket) => (socket.destroy(), 'open'), ({ code }) => code);
// When nothing is left to do, what was to be loaded is there.
server.unref();
await new Promise((resolve) => process.once('beforeExit', resolve));
server.ref();
const taken = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {}
const scarce = await told();
for (const descriptor of taken) closeSync(descriptor);
console.log(scarce, await told());
process.exit();
`;

test('a client that has no descriptor left for a connection past the tunnel says so, and opens the next', async () => {
  const limited = 'ulimit -n 200; exec "$@"';
  const args = ['-c', limited, 'sh', process.execPath, '--input-type=module', '--eval', PROGRAM];
  const { stdout, stderr } = await run('sh', args, { cwd: import.meta.dirname });
  expect([stdout, stderr]).toEqual(['LIMIT_REACHED open\n', '']);
});
