// The tunnel over an emulated wide-area link, beside plain TCP over the same link in the same run.
//
//   node bench/wan.mjs [--quick] [throughput] [latency] [page] [slow] [paths] [crowd] [flows] [ways]
//       (needs root, gcc and iproute2)
//
// Prints a table and writes bench/results/wan.json, or wan-KIND.json for one kind. Every figure stands beside plain TCP's of the same run.
import { setTimeout } from 'node:timers/promises';
import { flows } from './support/flows-over-link.mjs';
import {
  DESTINATION,
  hostsOfLink,
  measure,
  onHost,
  onLink,
  RELAY,
  startDestination,
  steadyRate,
} from './support/link.mjs';
import { inBench, stopProgram } from './support/program.mjs';
import { writeResults } from './support/results.mjs';
import { median, quantile, round } from './support/statistics.mjs';
import { NO_LIMITS, startTunnel } from './support/tunnel.mjs';
import { ways } from './support/ways-over-link.mjs';

const PATHS = {
  throughput: [
    { rtt: 100, mbit: 200 },
    { rtt: 200, mbit: 100 },
  ],
  latency: [{ rtt: 50, mbit: 20 }],
  page: [{ rtt: 100, mbit: 50 }],
  slow: [{ rtt: 1500, mbit: 0.064 }],
  paths: [
    { name: 'jitter of 0 to 10 ms each way', rtt: 20, mbit: 50, jitter: 10 },
    { name: 'jitter of 0 to 20 ms each way', rtt: 40, mbit: 30, jitter: 20 },
    { name: 'jitter of 0 to 60 ms each way', rtt: 40, mbit: 30, jitter: 60 },
    { name: '1 up, 50 down, both busy', rtt: 40, up: 1, down: 50, queue: 100, bulk: 'both' },
    { name: '5 up, 50 down, both busy', rtt: 40, up: 5, down: 50, queue: 100, bulk: 'both' },
    { name: 'both ways busy', rtt: 50, mbit: 20, bulk: 'both' },
    { name: 'beside a foreign download, queue 300 ms', rtt: 40, mbit: 20, queue: 300, foreign: 'down' },
    { name: 'beside a foreign upload, 5 up, 50 down', rtt: 40, up: 5, down: 50, queue: 100, foreign: 'up' },
    { name: 'smooth', rtt: 50, mbit: 20 },
    { name: 'long and fast', rtt: 100, mbit: 200 },
    { name: 'bloated, queue 1 s', rtt: 50, mbit: 20, queue: 1000 },
    { name: 'shallow, queue 5 ms', rtt: 50, mbit: 50, queue: 5 },
    { name: 'satellite', rtt: 600, mbit: 20, seconds: 30 },
    { name: '50, then 5, then 50', rtt: 50, mbit: 50, rates: '0:50,8:5,16:50,24:0', seconds: 24 },
    { name: 'loss of 0.1 %', rtt: 50, mbit: 50, loss: 0.1 },
    { name: 'loss of 0.1 %, --connections 4', rtt: 50, mbit: 50, loss: 0.1, connections: 4 },
    { name: 'loss of 1 %', rtt: 50, mbit: 50, loss: 1 },
  ],
  crowd: [{ rtt: 100, mbit: 100 }],
  flows: [{ rtt: 50, mbit: 20 }],
  ways: [
    { rtt: 100, mbit: 100 },
    { rtt: 40, mbit: 1 },
  ],
};
const words = process.argv.slice(2);
if (words[0] === '--inside') await inside(words[1], JSON.parse(words[2]));
else await outside(words);

async function outside(args) {
  const quick = args.includes('--quick');
  const wanted = args.filter((word) => word in PATHS);
  const results = [];
  for (const kind of wanted.length > 0 ? wanted : Object.keys(PATHS)) {
    for (const path of PATHS[kind]) {
      process.stderr.write(`${kind}: ${path.name ?? `${path.rtt} ms, ${path.mbit} Mbit/s`} ...\n`);
      // Many rows: 10 s each tell enough, and all of them are over in half an hour.
      const seconds = quick || kind === 'paths' ? 10 : 15;
      const rows = await onLink(path, 'wan.mjs', [
        '--inside',
        kind,
        JSON.stringify({ seconds, ...path, repeats: quick ? 1 : 3 }),
      ]);
      console.table(rows);
      results.push({ kind, ...path, rows });
    }
  }
  const name = wanted.length === 1 ? `wan-${wanted[0]}` : 'wan';
  await writeResults(inBench('results'), name, `node bench/wan.mjs ${args.join(' ')}`.trim(), { results });
}

async function inside(kind, options) {
  const hosts = hostsOfLink();
  const destination = await startDestination(hosts);
  try {
    const rows = await { throughput, latency, page, slow, paths, crowd, flows, ways }[kind](hosts, options);
    process.stdout.write(`${JSON.stringify(rows)}\n`);
  } finally {
    await stopProgram(destination);
  }
}

/** Measures plain TCP and a fresh tunnel in turn, `repeats` times: what the kernel learnt of a path stays with one. */
async function compare(hosts, options, what, port = DESTINATION) {
  const runs = { plain: [], tunnel: [] };
  for (let i = 0; i < options.repeats; i++) {
    runs.plain.push(await besideForeign(hosts, options, { ...what, via: null, target: [hosts.address, port] }));
    const { clientOptions } = options;
    const { address } = hosts;
    const tunnel = await startTunnel({ serverHost: hosts.b, clientHost: hosts.a, address, clientOptions });
    try {
      // The path is what is measured, not how the programs warm up.
      await setTimeout(1000);
      runs.tunnel.push(
        await besideForeign(hosts, options, { ...what, via: tunnel.socks, target: [hosts.address, DESTINATION] }),
      );
    } finally {
      await tunnel.stop();
    }
  }
  return runs;
}

/** The same beside somebody else's transfer, if the path has one: it is there three seconds before. */
async function besideForeign(hosts, { foreign, seconds }, what) {
  if (foreign === undefined) return measure(hosts, what);
  const other = measure(hosts, {
    bulk: foreign,
    seconds: seconds + 4,
    via: null,
    target: [hosts.address, DESTINATION],
  });
  await setTimeout(3000);
  const result = await measure(hosts, what);
  await other;
  return result;
}

async function throughput(hosts, options) {
  const rows = [];
  for (const bulk of ['down', 'up']) {
    const { plain, tunnel } = await compare(hosts, options, { bulk, seconds: options.seconds });
    const full = median(plain.map(steadyRate));
    const reach = (runs) => median(runs.map((run) => timeToRate(run, 0.9 * full)));
    rows.push({
      direction: bulk,
      'plain Mbit/s': round(full),
      'tunnel Mbit/s': round(median(tunnel.map(steadyRate))),
      ratio: round(median(tunnel.map(steadyRate)) / full, 3),
      'full after, plain ms': reach(plain),
      'tunnel ms': reach(tunnel),
      'later by round trips': round((reach(tunnel) - reach(plain)) / options.rtt),
    });
  }
  return rows;
}

async function latency(hosts, options) {
  const rows = [];
  for (const channels of [1, 8]) {
    for (const bulk of ['down', 'up']) {
      const what = { bulk, channels, echo: true, seconds: options.seconds };
      const { plain, tunnel } = await compare(hosts, options, what);
      const echo = (runs, q) => round(median(runs.map((run) => quantile(run.echoes, q))));
      rows.push({
        bulk: `${channels} ${bulk}`,
        'plain p50': echo(plain, 0.5),
        'tunnel p50': echo(tunnel, 0.5),
        'plain p99': echo(plain, 0.99),
        'tunnel p99': echo(tunnel, 0.99),
        'bulk ratio': round(median(tunnel.map(steadyRate)) / median(plain.map(steadyRate)), 3),
      });
    }
  }
  return rows;
}

/** 60 objects of 10 KiB, as a browser fetches them and all at once: plain TCP through a bare relay at the far end. */
async function page(hosts, options) {
  const rows = [];
  for (const [parallel, connections] of [
    [6, 1],
    [60, 1],
    [60, 6],
  ]) {
    const what = { page: 60, parallel };
    const clientOptions = ['--connections', String(connections)];
    const repeats = options.repeats * 3;
    const { plain, tunnel } = await compare(hosts, { ...options, repeats, clientOptions }, what, RELAY);
    const [plainTime, tunnelTime] = [plain, tunnel].map((runs) => median(runs.map((run) => run.elapsed)));
    rows.push({
      'at a time': parallel,
      '--connections': connections,
      'plain ms': round(plainTime),
      'tunnel ms': round(tunnelTime),
      'later by round trips': round((tunnelTime - plainTime) / options.rtt, 2),
    });
  }
  return rows;
}

/** One connection or one each way, and an echo beside it, on a path that is not as smooth as paths in books. */
async function paths(hosts, options) {
  const { name, bulk = 'down', foreign, connections = 1 } = options;
  const what = { bulk, echo: true, seconds: options.seconds };
  const clientOptions = ['--connections', String(connections)];
  const { plain, tunnel } = await compare(hosts, { ...options, clientOptions, foreign }, what);
  const [down, up] = [steadyRate, ({ back }) => steadyRate({ timeline: back })];
  const rates = (rate) => [plain, tunnel].map((runs) => median(runs.map(rate)));
  const echo = (runs, q) => round(median(runs.map((run) => quantile(run.echoes, q))));
  const row = { path: name };
  for (const [label, [direct, through]] of [['down', rates(down)], ...(bulk === 'both' ? [['up', rates(up)]] : [])]) {
    row[`plain ${label} Mbit/s`] = round(direct, 2);
    row[`tunnel ${label}`] = round(through, 2);
    row[`ratio ${label}`] = round(through / direct, 2);
  }
  return [
    { ...row, 'plain echo ms': echo(plain, 0.5), 'tunnel echo': echo(tunnel, 0.5), 'tunnel p99': echo(tunnel, 0.99) },
  ];
}

/** A transfer alone, and beside 16,000 connections that are open and silent, in turn. */
async function crowd(hosts, options) {
  // Ports stay taken for a minute behind a connection (RFC 9293 section 3.6.1), and each turn needs 16,000 of them.
  const morePorts = ['sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65535'];
  for (const host of [hosts.a, hosts.b]) await onHost(host, morePorts);
  const rows = [];
  for (const bulk of ['down', 'up']) {
    const [alone, beside] = [[], []];
    for (let i = 0; i < options.repeats; i++) {
      alone.push(await besideIdle(hosts, options, { bulk, idle: 0 }));
      beside.push(await besideIdle(hosts, options, { bulk, idle: 16_000 }));
    }
    rows.push({
      direction: bulk,
      'alone Mbit/s': round(median(alone)),
      'beside 16,000': round(median(beside)),
      ratio: round(median(beside) / median(alone), 3),
    });
  }
  return rows;
}

async function besideIdle({ a, b, address }, { seconds }, what) {
  const serverOptions = [...NO_LIMITS, '--max-sockets', '100000'];
  const tunnel = await startTunnel({ serverHost: b, clientHost: a, address, serverOptions });
  try {
    return steadyRate(
      await measure({ a, b, address }, { ...what, seconds, via: tunnel.socks, target: [address, DESTINATION] }),
    );
  } finally {
    await tunnel.stop();
  }
}

/** A minute of saturated upload: the path is slow, but never dead. */
async function slow(hosts) {
  const tunnel = await startTunnel({ serverHost: hosts.b, clientHost: hosts.a, address: hosts.address });
  try {
    const what = { bulk: 'up', seconds: 60, via: tunnel.socks, target: [hosts.address, DESTINATION] };
    const { timeline } = await measure(hosts, what);
    const lines = [...tunnel.client.lines, ...tunnel.server.lines].map((line) => JSON.parse(line).msg);
    const count = (text) => lines.filter((line) => line === text).length;
    return [
      {
        'kbit/s': round((timeline.at(-1) * 8) / 60_000),
        suspicions: count('trying another transport'),
        deaths: count('session detached'),
      },
    ];
  } finally {
    await tunnel.stop();
  }
}

/** When half a second first went at `rate` Mbit/s, ms from the start. */
function timeToRate({ timeline }, rate) {
  const at = timeline.findIndex((total, i) => i >= 5 && ((total - timeline[i - 5]) * 8) / 500_000 >= rate);
  return at < 0 ? Number.POSITIVE_INFINITY : at * 100;
}
