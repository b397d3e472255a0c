// Run by netlab, between the two hosts: has the application of measure.mjs do the same by each way in turn, and prints
// what it measured, by the name of the way.
//   node path-inside.mjs '{"names": [way], "peers": folder, "what": {...}, "repeats": 3}'
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waysOverLink } from './beside-peers.mjs';
import { DESTINATION, hostsOfLink, measure, RELAY, startDestination, steadyRate } from './link.mjs';
import { leaveOut } from './place.mjs';
import { stopProgram } from './program.mjs';

/** How long a measurement may take beyond its seconds, ms. */
const PATIENCE = 120_000;

const { names, peers, what, repeats } = JSON.parse(process.argv[2]);
const hosts = hostsOfLink();
const { a: clientHost, b: serverHost, address } = hosts;
const folder = await mkdtemp(join(tmpdir(), 'wsproxy-bench-'));
const place = { folder, serverHost, clientHost, address, target: [address, DESTINATION] };
const destination = await startDestination(hosts);
const every = await waysOverLink(peers);
const runs = Object.fromEntries(names.map((name) => [name, []]));
try {
  for (let turn = 0; turn < repeats; turn++) {
    for (const name of Object.keys(runs)) {
      try {
        runs[name].push(await measureBy(every[name]));
      } catch (error) {
        leaveOut(name, every[name], error);
        delete runs[name];
      }
    }
  }
  process.stdout.write(`${JSON.stringify([runs])}\n`);
} finally {
  await stopProgram(destination);
  await rm(folder, { recursive: true });
}

async function measureBy(start) {
  const way = await start(place);
  try {
    // The path is what is measured, not how programs warm up.
    await sleep(1_000);
    const via = way.open.socks ? way.open.address : null;
    // Beside a tunnel that dials at the far end stands TCP with somebody there who dials.
    const target = [address, via === null && what.page > 0 ? RELAY : DESTINATION];
    const timeout = (what.seconds ?? 0) * 1000 + PATIENCE;
    const found = await measure(hosts, { ...what, via, target }, { timeout, killSignal: 'SIGKILL' });
    // A timeline is long, and the rate is what is asked of it.
    const { timeline = [], back: _back, ...rest } = found;
    return timeline.length > 1 ? { ...rest, rate: steadyRate({ timeline }) } : rest;
  } finally {
    await way.stop();
  }
}
