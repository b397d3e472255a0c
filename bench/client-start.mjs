// How long a client takes until it is ready, beyond what Node itself takes, and what it costs while nobody uses it:
//
//   node bench/client-start.mjs [--runs 10] [--idle 60]
//
// Prints medians of `node -e 0` and of the client, taken in turn, ms, and the CPU time of an idle client in per cent.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { listeningAt, stopProgram } from './support/program.mjs';
import { startClient, startServer } from './support/tunnel.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, idle: { type: 'string', default: '60' } },
});
/** Of /proc/PID/stat: USER_HZ, which Linux shows as 100 everywhere. */
const TICKS_PER_SECOND = 100;

const server = await startServer();
const url = `ws://${listeningAt(server).join(':')}`;
const bare = [];
const ready = [];
const cpu = [];
for (let run = 0; run < Number(values.runs); run++) {
  bare.push(await timeOf(() => once(spawn(process.execPath, ['-e', '0']), 'exit')));
  let client;
  ready.push(
    await timeOf(async () => {
      client = await startClient(url);
    }),
  );
  cpu.push(cpuSeconds(client.pid) * 1_000);
  await stopProgram(client);
}
const [node, whole] = [median(bare), median(ready)];
console.log(`node -e 0            ${node.toFixed(0)} ms`);
console.log(`wsproxy-client ready ${whole.toFixed(0)} ms, ${(whole / node).toFixed(1)} times as long`);
console.log(`beyond Node's start  ${(whole - node).toFixed(0)} ms`);
console.log(`CPU until ready      ${median(cpu).toFixed(0)} ms, Node's own start included`);

for (const clientOptions of [[], ['--status', '0']]) {
  const client = await startClient(url, { options: clientOptions });
  const seconds = Number(values.idle);
  await pause(2_000);
  const before = cpuSeconds(client.pid);
  await pause(seconds * 1_000);
  const share = (cpuSeconds(client.pid) - before) / seconds;
  console.log(`idle ${clientOptions.join(' ').padEnd(15)} ${(100 * share).toFixed(2)} % of a core in ${seconds} s`);
  await stopProgram(client);
}
await stopProgram(server);

async function timeOf(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** User and system time so far, of all threads. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
