// Two workers of node:cluster, one after the other, each with a server of its own and a client that wants the port of the first:
// node listening-workers.mjs tcp|udp. Says what becomes of each, and ends.
import cluster from 'node:cluster';
import { createServer as createHttpServer } from 'node:http';
import { createClient } from 'wsproxy-client';
import { createServer } from 'wsproxy-server';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

if (cluster.isPrimary) {
  const [kind = 'tcp'] = process.argv.slice(2);
  const first = await answerOf(cluster.fork({ KIND: kind, PORT: '0' }));
  const second = await answerOf(cluster.fork({ KIND: kind, PORT: String(first.port) }));
  process.stdout.write(`${first.outcome} ${second.outcome}\n`);
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill();
} else {
  const server = createServer({ token: TOKEN, reverse: true });
  // Workers share a port that they have from the parent, so each has its own door.
  const http = createHttpServer().on('upgrade', (...upgrade) => server.handleUpgrade(...upgrade));
  await new Promise((resolve) => http.listen({ port: 0, host: '127.0.0.1', exclusive: true }, resolve));
  const client = createClient({ url: `ws://127.0.0.1:${http.address().port}/`, token: TOKEN });
  const suffix = process.env.KIND === 'udp' ? '/udp' : '';
  try {
    const forward = await client.forwardRemote({ port: Number(process.env.PORT), target: `127.0.0.1:9${suffix}` });
    process.send({ outcome: 'listening', port: forward.address.port });
  } catch ({ code }) {
    process.send({ outcome: code });
  }
}

function answerOf(worker) {
  return new Promise((resolve) => worker.once('message', resolve));
}
