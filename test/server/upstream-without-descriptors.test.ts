import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

/** A server whose first connection through its proxy comes when it has hardly a descriptor left. */
const program = (scheme: string): string => `
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { createClient } from 'wsproxy-client';
import { createServer as createTunnel } from 'wsproxy-server';

const token = 'x'.repeat(32);
const proxy = createServer((socket) => {
  socket.once('data', ([first]) => {
    socket.write(first === 5 ? Buffer.of(5, 0) : 'HTTP/1.1 200 OK\\r\\n\\r\\n');
    socket.once('data', () => socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)));
  });
  socket.on('error', () => {});
}).listen(0, '127.0.0.1');
await new Promise((resolve) => proxy.once('listening', resolve));
const upstream = '${scheme}://127.0.0.1:' + proxy.address().port;
const server = createTunnel({ token, allowPrivate: true, egress: { upstream } });
// When nothing is left to do, what was to be loaded is there.
proxy.unref();
await new Promise((resolve) => process.once('beforeExit', resolve));
const { port } = await server.listen({ port: 0 });
const client = createClient({ url: 'ws://127.0.0.1:' + port, token });
await client.start();
const taken = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {}
// As many as both ends of the connection need.
for (const descriptor of taken.slice(0, 2)) closeSync(descriptor);
const told = await client.connect('127.0.0.1:9').then(() => 'open', ({ code }) => code);
for (const descriptor of taken.slice(2)) closeSync(descriptor);
console.log(told);
process.exit();
`;

test.each(['http', 'socks5'])(
  'a server with few descriptors opens its first connection through an %s proxy',
  async (scheme) => {
    const args = ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, '--input-type=module', '--eval'];
    const { stdout, stderr } = await run('sh', [...args, program(scheme)], { cwd: import.meta.dirname });
    expect([stdout, stderr]).toEqual(['open\n', '']);
  },
);
