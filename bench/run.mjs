// What the tunnel costs, beside what it is compared with, in one run:
//
//   npm run bench [-- [--quick] [--repeats 7] [--label LABEL] [--to FOLDER] [--peers FOLDER] [NAME ...]]
//
// Prints tables, and writes NAME.json and charts as SVG to bench/results (or FOLDER), under NAME-LABEL if there is a label.
// Linux only: it reads /proc; `opens` needs gcc. `--quick` takes some minutes, with wider spreads. With `--peers` it
// measures beside the other tunnels whose programs are in that folder (support/peers.mjs), and writes peers-NAME.json.
// docs/performance.md says what the figures mean.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bulk } from './measurements/bulk.mjs';
import { datagrams } from './measurements/datagrams.mjs';
import { growth } from './measurements/growth.mjs';
import { inspection } from './measurements/inspection.mjs';
import { latency } from './measurements/latency.mjs';
import { memory } from './measurements/memory.mjs';
import { opens } from './measurements/opens.mjs';
import { push } from './measurements/push.mjs';
import { startup } from './measurements/startup.mjs';
import { wisp } from './measurements/wisp.mjs';
import { workers } from './measurements/workers.mjs';
import { besidePeers } from './support/beside-peers.mjs';
import { barChart } from './support/chart.mjs';
import { createPlace } from './support/place.mjs';
import { inBench } from './support/program.mjs';
import { createProgress } from './support/progress.mjs';
import { writeResults } from './support/results.mjs';
import { h2, http, https, pipe, pipeTls, ws, wss } from './support/ways.mjs';

/** What carries the transport. */
const byWay = { ...bulk, name: 'ways', ways: { pipe, ws, http, 'pipe, TLS between': pipeTls, wss, h2, https } };

const { values, positionals } = readArguments();
const { quick, label, to: folder, peers } = values;
const { measurements, versions } = await chosen();
const names = measurements.map(({ name }) => name);
for (const name of positionals)
  if (!names.includes(name)) fail(`there is no measurement ${name}, only ${names.join(', ')}`);
const wanted = measurements.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const isWide = !quick && peers === undefined;
const effort = { quick, isWide, repeats: Number(values.repeats ?? (quick ? 5 : 7)) };
const fileOf = (name) => `${peers === undefined ? '' : 'peers-'}${name}${label === undefined ? '' : `-${label}`}`;
// As others would say it: their folders are elsewhere.
const words = process.argv.slice(2).map((word) => (word === peers || word === values.to ? 'FOLDER' : word));
const command = ['npm run bench --', ...words].join(' ').replace(/ --$/, '');

await mkdir(folder, { recursive: true });
for (const { name, ways = {}, steps, run } of wanted) {
  const place = await createPlace();
  const progress = createProgress(name, steps(effort, ways));
  try {
    const { tables, charts, data } = await run({ name, place, ways, peers, effort, progress });
    progress.end();
    for (const { title, rows } of tables) {
      console.log(`\n${title}`);
      console.table(rows);
    }
    for (const chart of charts) await writeFile(join(folder, `${fileOf(chart.file)}.svg`), barChart(chart));
    await writeResults(folder, fileOf(name), command, { effort, versions, tables, data });
  } finally {
    progress.end();
    await place.stop();
  }
}

function readArguments() {
  const options = {
    quick: { type: 'boolean', default: false },
    repeats: { type: 'string' },
    label: { type: 'string' },
    to: { type: 'string', default: inBench('results') },
    peers: { type: 'string' },
  };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(error.message);
  }
}

async function chosen() {
  if (peers === undefined)
    return {
      measurements: [bulk, byWay, latency, opens, datagrams, memory, growth, push, startup, wisp, inspection, workers],
    };
  try {
    return await besidePeers(peers);
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
