// What workers bring: how the work of 16 sessions is shared, and what it costs in all.
//
// The load needs CPU too. On as many cores as there are workers, load and server share them, and no clock can show what the
// server alone could do. So the CPU time of each process, as the system counts it, stands beside it. A machine with a core for
// each process waits for the one that has used most. `gain` is how much more work is done by then.
//
// What a GiB costs depends on more than workers:
// - Compiling. Each process compiles for itself, and goes on with it for some GiB: two workers do so twice, with half of the bytes each.
//   So the turn that counts for nothing is eight times as long as the others.
// - How much waits. One that waits for the load wakes up for each session by itself: up, two workers do so 3,000 times for a GiB
//   where one does 1,850 times, for as many reads of the same size. All processes of the server run on one core, so that each has as much
//   waiting as can be. Down that is enough. Up the load costs nearly twice as much as the server, which waits for it all the same.
// - Caches. Two workers on one core drive each other out of them, which on a core each they would not.
// So `CPU ratio` of two workers is likely more than on a core each, most of all up; and it says nothing while others use the machine.
import { startOpensLoad } from '../support/opens-load.mjs';
import { takeTurns } from '../support/place.mjs';
import { cpuSeconds, processTree } from '../support/processes.mjs';
import { listeningAt, stopProgram } from '../support/program.mjs';
import { figuresOf, ratios, round, summary } from '../support/statistics.mjs';
import { NO_LIMITS, startClient, startServer } from '../support/tunnel.mjs';

const GIB = 2 ** 30;
const SESSIONS = 16;
const SCENARIOS = [{ what: 'bulk down' }, { what: 'bulk up' }, { what: 'opens' }];
const ALONE = '1 worker';
/** How much longer the turn is that counts for nothing. */
const WARM_UP = 8;

/** One client with so many sessions, and a server with these options. */
function serverWith(...options) {
  return async () => {
    const server = await startServer({ host: ['taskset', '-c', '0'], options: [...NO_LIMITS, ...options] });
    const url = `ws://${listeningAt(server).join(':')}`;
    const client = await startClient(url, { options: ['--connections', String(SESSIONS)] });
    const socks = { address: listeningAt(client), socks: true };
    return {
      open: socks,
      processes: () => processTree(server.pid),
      pids: [client.pid],
      async stop() {
        await stopProgram(client);
        await stopProgram(server);
      },
    };
  };
}

export const workers = {
  name: 'workers',
  ways: {
    'one process': serverWith(),
    [ALONE]: serverWith('--workers', '1'),
    '2 workers': serverWith('--workers', '2'),
  },
  steps: ({ repeats }, ways) => SCENARIOS.length * Object.keys(ways).length * (repeats + 1),

  async run({ name: file, place, ways, effort, progress }) {
    const load = await startOpensLoad();
    const setting = { place, ways, scenarios: SCENARIOS, repeats: effort.repeats, progress };
    const found = await takeTurns(setting, async (application, { open, pids, processes }, { what }, isFirst) => {
      const times = isFirst ? WARM_UP : 1;
      const before = cpuOfEach(processes());
      const { work, seconds } = await (what === 'opens'
        ? openMany(load, { open, pids, count: times * (effort.quick ? 2_000 : 8_000) })
        : moveBytes(application, {
            open,
            pids,
            bytes: times * (effort.quick ? 256 : 1_024) * 2 ** 20,
            isUp: what === 'bulk up',
          }));
      const used = [...cpuOfEach(processes())].map(([pid, now]) => now - (before.get(pid) ?? 0));
      const sum = used.reduce((total, each) => total + each, 0);
      return { rate: work / seconds, cost: sum / work, capacity: work / Math.max(...used) };
    });
    await load.stop();
    const rows = found.flatMap(({ scenario: { what }, measured }) => {
      const { middle, over } = figuresOf(measured);
      const isOpens = what === 'opens';
      return Object.keys(measured).map((way) => {
        const gain = over(way, 'capacity', ALONE);
        const cost = over(way, 'cost', ALONE);
        return {
          what,
          way,
          'by the clock': `${round(middle(way, 'rate'), 1)} ${isOpens ? 'opens/s' : 'GiB/s'}`,
          'with a core each': `${round(middle(way, 'capacity'), 1)} ${isOpens ? 'opens/s' : 'GiB/s'}`,
          gain: gain.median,
          'gain spread': `${gain.low}–${gain.high}`,
          'server CPU': `${round(middle(way, 'cost') * (isOpens ? 1_000 : 1), 3)} ${isOpens ? 'ms each' : 's/GiB'}`,
          'CPU ratio': cost.median,
          'CPU spread': `${cost.low}–${cost.high}`,
          'ratio to': ALONE,
        };
      });
    });
    const groups = found.map(({ scenario: { what }, measured }) => ({
      label: what,
      bars: Object.entries(measured).map(([name, turns]) => ({
        name,
        ...summary(
          ratios(
            turns.map(({ capacity }) => capacity),
            measured[ALONE].map(({ capacity }) => capacity),
          ),
        ),
      })),
    }));
    const unit = `work done by ${SESSIONS} sessions with a core for each process of the server, ${ALONE} = 1, more is better`;
    return { tables: [{ title: 'Workers', rows }], charts: [{ file, title: 'Workers', unit, groups }], data: found };
  },
};

/** CPU seconds so far, by process. */
function cpuOfEach(pids) {
  return new Map(pids.map((pid) => [pid, cpuSeconds([pid])]));
}

/** GiB, on as many connections as there are sessions. */
async function moveBytes(application, { open, pids, bytes, isUp }) {
  const each = bytes / SESSIONS;
  const wanted = { open, pids, channels: SESSIONS, down: isUp ? 0 : each, up: isUp ? each : 0 };
  const { seconds } = await application.ask('bulk', wanted);
  return { work: bytes / GIB, seconds };
}

/** Connections of 1 KiB, as many at a time as two for each session. */
async function openMany(load, { open, pids, count }) {
  const { seconds } = await load.open({ open, pids, count, parallel: 2 * SESSIONS });
  return { work: count, seconds };
}
