// What it costs the client to look inside: the same HTTPS through both ends, with and without `--inspect`, and by a bare relay
// that ends TLS with both sides, which is the least that looking inside can cost.
import { join } from 'node:path';
import { memoryOf, perPiece, REPORTING } from '../support/memory-of.mjs';
import { takeTurns } from '../support/place.mjs';
import { forgetPeak, peakBytes } from '../support/processes.mjs';
import { inBench, listeningAt, startProgram, stopProgram } from '../support/program.mjs';
import { figuresOf, round } from '../support/statistics.mjs';
import { endTls, ws } from '../support/ways.mjs';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Connections that are held at once, and downloads that nobody reads. */
const HELD = 1_000;
const STOPPED = 50;
/** Until programs have come to rest, ms. */
const REST = 5_000;

const ways = {
  'without --inspect': ws,
  'with --inspect': inspecting,
  'bare relay that ends TLS': endTls,
};

/** What each turn does, and how many of which unit that is. */
const scenariosOf = ({ quick }) => [
  { task: 'down', unit: 'MiB', bytes: quick ? 128 * MIB : GIB },
  { task: 'up', unit: 'MiB', bytes: quick ? 128 * MIB : GIB },
  { task: 'hold', unit: 'connections', count: HELD, parallel: 32 },
  { task: 'requests', unit: 'requests', count: quick ? 4_000 : 16_000, parallel: 16 },
  { task: 'messages', unit: 'messages', count: quick ? 20_000 : 100_000 },
];

export const inspection = {
  name: 'inspection',
  ways,
  steps: (effort) => scenariosOf(effort).length * Object.keys(ways).length * (effort.repeats + 1) + 4,

  async run({ place, effort, progress }) {
    const site = await startSite(place);
    try {
      const setting = {
        place: { ...place, target: site.target },
        ways,
        scenarios: scenariosOf(effort),
        repeats: effort.repeats,
        progress,
      };
      const found = await takeTurns({ ...setting, program: 'https-application' }, (application, way, scenario) =>
        measureTurn(application, way, scenario, site.target),
      );
      const memory = {};
      for (const [name, start] of Object.entries({ 'without --inspect': ws, 'with --inspect': inspecting })) {
        progress.step(`memory ${name}`);
        memory[name] = await measureMemory(await start({ ...place, node: REPORTING }), place, site.target);
      }
      progress.step('what is kept');
      const kept = await measureKept(await inspecting({ ...place, node: REPORTING }), place, site.target);
      return {
        tables: [
          { title: 'Inspection', rows: found.flatMap(rowsOf) },
          {
            title: 'Memory of the client for each connection',
            rows: memoryRows({ ...memory, 'all together': { kept } }),
          },
        ],
        charts: [],
        data: { found, memory, kept },
      };
    } finally {
      await stopProgram(site.child);
    }
  },
};

/** A client that looks into what goes to the site; it shows that on a page. */
async function inspecting(place) {
  const { certificate, folder } = place;
  const options = ['--ca', certificate.cert, '--inspect', 'localhost', '--status', '0'];
  return ws({ ...place, clientOptions: options, env: { XDG_STATE_HOME: join(folder, 'state') } });
}

async function startSite({ certificate: { cert, key } }) {
  const child = await startProgram([], [inBench('support/https-destination.mjs'), cert, key], '"ready"');
  return { child, target: ['localhost', listeningAt(child)[1]] };
}

async function measureTurn(application, { open, children }, { task, unit, ...scenario }, target) {
  const [client] = children;
  forgetPeak(client.pid);
  const { seconds, cpu } = await application.ask(task, { open, target, pids: [client.pid], ...scenario });
  const amount = unit === 'MiB' ? scenario.bytes / MIB : scenario.count;
  const peak = peakBytes(client.pid) / MIB;
  await application.ask('release');
  return { rate: amount / seconds, cost: unit === 'MiB' ? (cpu * GIB) / scenario.bytes : (cpu / amount) * 1e6, peak };
}

/** Of idle connections, and of those whose reader has stopped; what is kept for viewing is measured by itself. */
async function measureMemory(way, place, target) {
  const application = place.startApplication('https-application');
  const { open, children, pids } = way;
  const [client] = children;
  const memory = async () => {
    await clear(client);
    return memoryOf(client, REST);
  };
  await application.ask('hold', { open, target, count: 20, parallel: 10, pids });
  const before = await memory();
  await application.ask('hold', { open, target, count: HELD, parallel: 32, pids });
  const held = await memory();
  await application.ask('release');
  const empty = await memory();
  await application.ask('stop', { open, target, count: STOPPED, bytes: GIB });
  const stopped = await memory();
  await application.stop();
  await way.stop();
  return { idle: perPiece(before, held, HELD), stopped: perPiece(empty, stopped, STOPPED) };
}

/** More requests, and then more downloads of 1 MiB, than are kept. */
async function measureKept(way, place, target) {
  const application = place.startApplication('https-application');
  const { open, children, pids } = way;
  const [client] = children;
  await application.ask('requests', { open, target, count: 4_000, parallel: 16, pids });
  for (let n = 0; n < 128; n++) await application.ask('down', { open, target, bytes: MIB, pids });
  const full = await memoryOf(client, REST);
  await clear(client);
  const empty = await memoryOf(client, REST);
  await application.stop();
  await way.stop();
  return perPiece(empty, full, 1);
}

/** Has a client that looks inside forget what it has seen. */
async function clear({ lines }) {
  const { url } = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'status page') ?? {};
  if (url === undefined) return;
  const { status } = await fetch(new URL('/inspect/clear', url), { method: 'POST' });
  if (status !== 204) throw new Error(`the page answers ${status}`);
}

function rowsOf({ scenario: { task, unit }, measured }) {
  const { middle, over } = figuresOf(measured);
  const [baseline] = Object.keys(measured);
  return Object.keys(measured).map((way) => {
    const rate = over(way, 'rate', baseline);
    const cost = over(way, 'cost', baseline);
    return {
      task,
      way,
      'a second': `${Math.round(middle(way, 'rate'))} ${unit}`,
      'rate ratio': rate.median,
      'rate spread': `${rate.low}–${rate.high}`,
      'client CPU': unit === 'MiB' ? `${round(middle(way, 'cost'), 2)} s/GiB` : `${round(middle(way, 'cost'))} µs each`,
      'CPU ratio': cost.median,
      'CPU spread': `${cost.low}–${cost.high}`,
      'peak MiB': Math.round(middle(way, 'peak')),
    };
  });
}

function memoryRows(memory) {
  return Object.entries(memory).flatMap(([way, figures]) =>
    Object.entries(figures).map(([what, { resident, live }]) => ({
      what: `${what}, ${way}`,
      'KiB resident': round(resident / 1024),
      'KiB of JavaScript': round(live / 1024),
    })),
  );
}
