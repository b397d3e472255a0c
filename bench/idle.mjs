// What idle sessions cost, and what happens when the balancer in front of them is restarted, all on this machine:
//
//   node bench/idle.mjs [--sessions 10000,50000] [--servers 4] [--clients 8] [--heartbeat 15s] [--seconds 30] [--away 1000]
//
// Prints memory and CPU at each number of sessions, and what happens after all HAProxy processes were killed and are back after
// `--away` ms; writes idle.json to bench/results, or the folder of `--to`. It needs HAProxy, and one descriptor for each session in a server or client, two in a balancer.
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBalancers } from './support/balancers.mjs';
import { memoryOf } from './support/memory-of.mjs';
import { cpuSeconds, residentBytes } from './support/processes.mjs';
import { endWithThis, inBench, listeningAt, stopProgram } from './support/program.mjs';
import { writeResults } from './support/results.mjs';
import { quantile, round } from './support/statistics.mjs';
import { startServer } from './support/tunnel.mjs';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000,50000' },
    servers: { type: 'string', default: '4' },
    clients: { type: 'string', default: '8' },
    heartbeat: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '30' },
    rest: { type: 'string', default: '30' },
    away: { type: 'string', default: '1000' },
    to: { type: 'string', default: inBench('results') },
  },
});
const [servers, clients, heartbeat, seconds, rest, away] = [
  'servers',
  'clients',
  'heartbeat',
  'seconds',
  'rest',
  'away',
].map((name) => Number(values[name]));
const steps = values.sessions.split(',').map(Number);
const most = Math.max(...steps);
/** So many are there before anything is measured: what the code itself takes has been taken. */
const FIRST = 1_000;
/** All else is as it comes. */
const LIMITS = ['--max-sessions', '100000', '--max-sessions-per-user', '100000'];
/** ms. */
const LONGEST_STORM = 300_000;
const TELL_EVERY = 10_000;
const TOKEN = { WSPROXY_TOKEN: 'a-token-that-is-only-for-this-benchmark' };

const folder = await mkdtemp(join(tmpdir(), 'wsproxy-bench-'));
const nodes = await Promise.all(
  Array.from({ length: servers }, () =>
    startServer({ node: ['--import', inBench('support/report-memory.mjs')], options: LIMITS }),
  ),
);
const balancers = await startBalancers({ folder, servers: nodes.map(listeningAt), tunnels: most });
await balancers.start();
const callers = Array.from({ length: clients }, (_, n) =>
  startCaller(balancers.urls.map((_, i, all) => all[(i + n) % all.length])),
);

const counts = {};
let toldAt = performance.now();
for (const node of nodes) node.seen = 0;
const before = await reach(FIRST);
const idle = [];
for (const count of steps) idle.push(perSession(before, await reach(count)));
console.table(idle.map(asRow));
const storm = await meetStorm();
console.table([storm]);
const words = wordsOfClients();
console.table(words);
await writeResults(values.to, 'idle', ['node bench/idle.mjs', ...process.argv.slice(2)].join(' '), {
  tables: [
    { title: 'Idle', rows: idle.map(asRow) },
    { title: 'All come back', rows: [storm] },
  ],
  data: { idle, storm, words },
});
for (const { child } of callers) await stopProgram(child);
for (const node of nodes) await stopProgram(node);
await balancers.kill();
await rm(folder, { recursive: true });

function startCaller(urls) {
  const child = fork(inBench('support/idle-sessions.mjs'), [JSON.stringify({ urls, heartbeat: heartbeat * 1_000 })], {
    env: { ...process.env, ...TOKEN },
  });
  endWithThis(child);
  const caller = { child, welcomes: 0, words: {} };
  child.on('message', (news) => Object.assign(caller, news));
  return caller;
}

/** Has so many sessions in all, lets everybody rest, and looks. */
async function reach(count) {
  const started = performance.now();
  for (const { child } of callers) child.send({ sessions: Math.round(count / clients) });
  await until(
    () => said('began') >= count,
    () => `${said('began')} of ${count} sessions have begun`,
  );
  const took = (performance.now() - started) / 1_000;
  console.error(`${count} sessions after ${took.toFixed(0)} s more`);
  await sleep(rest * 1_000);
  const pids = nodes.map(({ pid }) => pid);
  const [cpu, clientCpu, balancerCpu] = [pids, callers.map(({ child }) => child.pid), balancers.pids()].map((of) => [
    of,
    cpuSeconds(of),
  ]);
  await sleep(seconds * 1_000);
  const share = ([of, was]) => (cpuSeconds(of) - was) / seconds;
  const shares = [cpu, clientCpu, balancerCpu].map(share);
  const memory = await Promise.all(nodes.map((node) => memoryOf(node, 0)));
  const sum = (pick) => memory.reduce((all, each) => all + pick(each), 0);
  return {
    sessions: said('began'),
    resident: sum(({ rss }) => rss),
    live: sum(({ heapUsed, external }) => heapUsed + external),
    kernel: await kernelBytes(),
    balancer: balancers.pids().reduce((all, pid) => all + residentBytes(pid), 0),
    shares,
  };
}

/** Beyond what there was before: bytes, and CPU seconds of the servers for each heartbeat of a session. */
function perSession(from, to) {
  const each = (what) => (to[what] - from[what]) / (to.sessions - from.sessions);
  const [server, client, balancer] = to.shares;
  return {
    ...{ sessions: to.sessions, resident: each('resident'), live: each('live'), kernel: each('kernel') },
    ...{
      balancer: each('balancer'),
      perHeartbeat: (server / to.sessions) * heartbeat,
      shares: { server, client, balancer },
    },
  };
}

function asRow({ sessions, resident, live, kernel, balancer, perHeartbeat, shares }) {
  const inKibibytes = (bytes) => round(bytes / 1_024, 2);
  return {
    sessions,
    'KiB resident': inKibibytes(resident),
    'KiB of JavaScript': inKibibytes(live),
    'KiB of the kernel, 4 sockets': inKibibytes(kernel),
    'KiB HAProxy': inKibibytes(balancer),
    'µs a heartbeat': round(perHeartbeat * 1e6, 1),
    'servers, % of a core': round(shares.server * 100),
    'clients, %': round(shares.client * 100),
    'HAProxy, %': round(shares.balancer * 100),
  };
}

/** Every transport is lost at once, and for `away` ms nobody can come back. */
async function meetStorm() {
  const pids = nodes.map(({ pid }) => pid);
  const [sessions, cpuBefore] = [said('began'), cpuSeconds(pids)];
  const earlier = said('resumed');
  let peak = { memory: 0, cpu: 0 };
  let [last, lastAt] = [cpuBefore, performance.now()];
  const watch = setInterval(() => {
    const [now, cpu] = [performance.now(), cpuSeconds(pids)];
    peak = {
      memory: Math.max(
        peak.memory,
        pids.reduce((all, pid) => all + residentBytes(pid), 0),
      ),
      cpu: Math.max(peak.cpu, (cpu - last) / ((now - lastAt) / 1_000)),
    };
    [last, lastAt] = [cpu, now];
  }, 500);
  await balancers.kill();
  await sleep(away);
  await balancers.start();
  const began = performance.now();
  const times = [];
  while (times.length < sessions) {
    const resumed = said('resumed') - earlier;
    for (let n = times.length; n < resumed; n++) times.push((performance.now() - began) / 1_000);
    if (performance.now() - began > LONGEST_STORM) break;
    tell(() => `${times.length} of ${sessions} sessions are back, ${said('over')} have ended`);
    await sleep(50);
  }
  clearInterval(watch);
  const cpu = cpuSeconds(pids) - cpuBefore;
  return {
    ...{ sessions, back: times.length, ended: said('over') },
    ...{
      half: round(quantile(times, 0.5)),
      most: round(quantile(times, 0.99)),
      all: round(times.at(-1) ?? Number.NaN),
    },
    ...{
      cpu: round(cpu),
      perResume: cpu / sessions,
      peakCores: round(peak.cpu, 2),
      peakMiB: round(peak.memory / 2 ** 20, 0),
    },
  };
}

/** What clients have said besides, and how often. */
function wordsOfClients() {
  const all = {};
  for (const { words } of callers)
    for (const [word, times] of Object.entries(words)) all[word] = (all[word] ?? 0) + times;
  return all;
}

/** How often the servers have said something of sessions; what was counted once is not looked at again. */
function said(message) {
  for (const node of nodes) {
    for (; node.seen < node.lines.length; node.seen++) {
      const word = /"msg":"session (\w+)"/.exec(node.lines[node.seen])?.[1];
      if (word !== undefined) counts[word] = (counts[word] ?? 0) + 1;
    }
  }
  return counts[message] ?? 0;
}

async function until(condition, progress) {
  while (!condition()) {
    tell(progress);
    await sleep(100);
  }
}

/** How far it is, each ten seconds. */
function tell(progress) {
  if (performance.now() - toldAt < TELL_EVERY) return;
  toldAt = performance.now();
  console.error(progress());
}

/** What the kernel keeps for sockets and files of the whole machine. */
async function kernelBytes() {
  const text = await readFile('/proc/meminfo', 'utf8');
  return Number(/^Slab:\s+(\d+)/m.exec(text)[1]) * 1_024;
}
