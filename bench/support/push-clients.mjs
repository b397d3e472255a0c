// Clients that take messages, as one program:
//   node push-clients.mjs '{"url":"ws://127.0.0.1:1/","first":0,"clients":500,"numbered":true}'
// Says what has come in each of the last seconds, and how old it was, when it is told to by SIGUSR2.
import { createClient, receivePushes } from 'wsproxy-client';

const { url, first, clients, numbered } = JSON.parse(process.argv[2]);
let received = 0;
/** Of every message, ms. */
let ages = [];
let cpu = process.cpuUsage();

function take(message) {
  received += 1;
  ages.push(Number(process.hrtime.bigint() - message.readBigUInt64BE(0)) / 1e6);
}

/** Of messages of 100 bytes, however the channel brings them. */
function takeBytes(socket) {
  let rest = Buffer.alloc(0);
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      for (; rest.length >= 100; rest = rest.subarray(100)) take(rest);
    });
}

for (let n = first; n < first + clients; n++) {
  const client = createClient({ url, token: `a-token-that-is-long-enough-of-user-${n}` });
  if (numbered) receivePushes(client, 'bench', take);
  else client.onIncoming('push/bench', takeBytes);
  await client.start();
}
process.stderr.write('{"msg":"ready"}\n');

process.on('SIGUSR2', () => {
  ages.sort((a, b) => a - b);
  const at = (part) => ages[Math.floor(part * ages.length)] ?? 0;
  const { user, system } = process.cpuUsage(cpu);
  const told = { received, median: at(0.5), p99: at(0.99), cpu: (user + system) / 1e6, rss: process.memoryUsage.rss() };
  process.stderr.write(`${JSON.stringify({ msg: 'received', ...told })}\n`);
  received = 0;
  ages = [];
  cpu = process.cpuUsage();
});
