// Clients that take numbered messages, and look whether each comes once and in order, as one program:
//   node push-takers.mjs '{"urls":["ws://127.0.0.1:1/"],"first":0,"clients":500}'
// Says what they have had when it is told to by SIGUSR2.
import { createClient, receivePushes } from 'wsproxy-client';
import { tokenOf } from './push-users.mjs';

const { urls, first, clients } = JSON.parse(process.argv[2]);
/** How many of the last ages are looked at, and how long each counts, ms. */
const SAMPLES = 200_000;
const ages = new Float64Array(SAMPLES);
let sampled = 0;
const had = { received: 0, twice: 0, disordered: 0, longest: 0, online: 0 };

for (let n = first; n < first + clients; n++) {
  const [url, ...others] = urls.map((_, i) => urls[(i + n) % urls.length]);
  const client = createClient({ url, token: tokenOf(n), fallbacks: others.map((each) => ({ url: each })) });
  let last = 0;
  receivePushes(client, 'bench', (message) => {
    const age = Number(process.hrtime.bigint() - message.readBigUInt64BE(0)) / 1e6;
    const number = message.readUInt32BE(8);
    ages[sampled++ % SAMPLES] = age;
    had.longest = Math.max(had.longest, age);
    if (number <= last) had.twice += 1;
    else {
      had.received += 1;
      if (number !== last + 1) had.disordered += 1;
      last = number;
    }
  });
  client.on('state', (state) => {
    if (state === 'online') had.online += 1;
  });
  await client.start();
}

process.on('SIGUSR2', () => {
  const sorted = ages.slice(0, Math.min(sampled, SAMPLES)).sort();
  const at = (part) => sorted[Math.floor(part * sorted.length)] ?? 0;
  process.stderr.write(`${JSON.stringify({ msg: 'had', ...had, median: at(0.5), p99: at(0.99) })}\n`);
});
process.stderr.write('{"msg":"ready"}\n');
