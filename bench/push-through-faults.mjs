// Messages to many clients at several servers, while servers are killed and connections cut, all on this machine:
//
//   node bench/push-through-faults.mjs [--clients 10000] [--rate 100] [--nodes 3] [--minutes 3] [--cut 0.1] [--processes 8]
//
// One server sends `--rate` messages of 100 bytes a second to each client (or `--all`, so many a second to all of them together). The
// clients are at the other servers, which share a Redis. Each minute, each of these cuts a part of its connections (`--cut`), and one
// is killed, and started again 5 s later. Every client says what it has had: each message once and in order, or not. Writes
// push-through-faults.json to bench/results, or the folder of `--to`. It needs redis-server and openssl.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { issueCertificates } from './support/certificates.mjs';
import { cpuSeconds, residentBytes } from './support/processes.mjs';
import { freePort, inBench, startListening, startProgram, stopProgram } from './support/program.mjs';
import { writeResults } from './support/results.mjs';
import { round } from './support/statistics.mjs';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '100' },
    all: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '3' },
    minute: { type: 'string', default: '60' },
    cut: { type: 'string', default: '0.1' },
    processes: { type: 'string', default: '8' },
    to: { type: 'string', default: inBench('results') },
  },
});
const [clients, given, count, minutes, minute, cut, processes] = [
  ...['clients', 'rate', 'nodes', 'minutes', 'minute', 'cut', 'processes'],
].map((name) => Number(values[name]));
/** To each client, a second. */
const rate = values.all ? given / clients : given;
/** Of the client that has the last message last, once nothing is sent any more, s. */
const PATIENCE = 300;
const RESTART = 5;
/** How often the clients were asked. */
let looks = 0;
/** Connections that those have cut which were killed. */
let cutBefore = 0;

const folder = await mkdtemp(join(tmpdir(), 'wsproxy-bench-'));
const port = await freePort();
const redis = await startListening(['redis-server', '--port', `${port}`, '--save', '', '--appendonly', 'no'], port);
const cluster = { store: `redis://127.0.0.1:${port}`, ...(await issueCertificates(folder)) };
const places = await Promise.all(
  Array.from({ length: count }, async (_, n) => ({
    name: `node-${n}`,
    port: await freePort(),
    inner: await freePort(),
  })),
);
const nodes = await Promise.all(places.map(startNode));
const sender = await start('push-sender.mjs', { ...cluster, clients, rate, seconds: minutes * minute });
const urls = places.map((place) => `ws://127.0.0.1:${place.port}/`);
const each = Math.ceil(clients / processes);
const callers = [];
for (let first = 0; first < clients; first += each) {
  callers.push(start('push-takers.mjs', { urls, first, clients: Math.min(each, clients - first) }));
}
const takers = await Promise.all(callers);

const tell = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
tell(`${clients} clients are there`);

const cpuBefore = cpu();
let killedCpu = 0;
const began = performance.now();
process.kill(sender.pid, 'SIGUSR2');
for (let n = 0; n < minutes; n++) {
  await sleep(minute * 500);
  const node = nodes[n % count];
  killedCpu += cpuSeconds([node.pid]);
  cutBefore += cutBy(node);
  tell(`${places[n % count].name} is killed`);
  await stopProgram(node);
  await sleep(Math.min(RESTART, minute / 4) * 1_000);
  nodes[n % count] = await startNode(places[n % count]);
  await sleep(Math.max(0, began + (n + 1) * minute * 1_000 - performance.now()));
}
const elapsed = (performance.now() - began) / 1_000;
const used = minus(cpu(), cpuBefore);
const memory = residentBytes(sender.pid);
const sent = (await said(sender, 'sent', 1)).at(-1);
const had = await untilAll(sent.each);

const row = {
  clients,
  nodes: count,
  'to each a second': round(rate, 2),
  'sent a second': Math.round(sent.sent / elapsed),
  refused: sent.refused,
  'nodes killed': minutes,
  'connections cut': nodes.reduce((sum, node) => sum + cutBy(node), cutBefore),
  'times online': had.online,
  missing: had.missing,
  twice: had.twice,
  'out of order': had.disordered,
  'p50 ms': round(had.median, 1),
  'p99 ms': round(had.p99, 1),
  'longest ms': Math.round(had.longest),
  'all had s after the end': round(had.after, 1),
  'sender cores': round(used.sender / elapsed, 2),
  'nodes cores': round((used.nodes + killedCpu) / elapsed, 2),
  'clients cores': round(used.takers / elapsed, 2),
  'sender MiB': Math.round(memory / 1_048_576),
};
console.table([row]);
await writeResults(
  values.to,
  'push-through-faults',
  ['node bench/push-through-faults.mjs', ...process.argv.slice(2)].join(' '),
  {
    tables: [{ title: 'Push through faults', rows: [row] }],
    data: { row, had, sent },
  },
);
for (const child of [...takers, sender, ...nodes, redis]) await stopProgram(child);
await rm(folder, { recursive: true });
const isWhole = had.missing === 0 && had.twice === 0 && had.disordered === 0;
process.exit(isWhole ? 0 : 1);

function startNode(place) {
  return start('push-node.mjs', { ...cluster, ...place, clients, cut, minute });
}

function start(file, options) {
  return startProgram([], [inBench(`support/${file}`), JSON.stringify(options)], '"ready"');
}

function cpu() {
  return {
    sender: cpuSeconds([sender.pid]),
    nodes: cpuSeconds(nodes.map(({ pid }) => pid)),
    takers: cpuSeconds(takers.map(({ pid }) => pid)),
  };
}

function minus(after, before) {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name]]));
}

function cutBy({ lines }) {
  const told = lines.filter((line) => line.includes('"cut"')).map((line) => JSON.parse(line));
  return told.reduce((sum, { count: some }) => sum + some, 0);
}

async function said({ lines }, msg, wanted) {
  for (;;) {
    const found = lines.filter((line) => line.includes(`"msg":"${msg}"`));
    if (found.length >= wanted) return found.map((line) => JSON.parse(line));
    await sleep(50);
  }
}

/** What the clients have had, once each has had its last message, or it is too late. */
async function untilAll(last) {
  const since = performance.now();
  for (;;) {
    for (const { pid } of takers) process.kill(pid, 'SIGUSR2');
    looks += 1;
    const told = await Promise.all(takers.map(async (child) => (await said(child, 'had', looks)).at(-1)));
    const sum = (figure) => told.reduce((all, one) => all + one[figure], 0);
    const after = (performance.now() - since) / 1_000;
    const received = sum('received');
    tell(`${received} of ${last * clients} messages have come`);
    if (received >= last * clients || after > PATIENCE) {
      const most = (figure) => Math.max(...told.map((one) => one[figure]));
      return {
        ...{ after, received, missing: last * clients - received, twice: sum('twice'), disordered: sum('disordered') },
        ...{ online: sum('online'), median: most('median'), p99: most('p99'), longest: most('longest') },
      };
    }
    await sleep(1_000);
  }
}
