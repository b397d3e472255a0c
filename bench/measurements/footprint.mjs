// What the two programs of a way keep in memory, alone and for connections that are open and silent. By /proc, so that
// it can be asked of any program; what JavaScript holds of it says memory.mjs.
import { setTimeout as sleep } from 'node:timers/promises';
import { leaveOut } from '../support/place.mjs';
import { residentBytes } from '../support/processes.mjs';
import { round } from '../support/statistics.mjs';

const WARM = 100;
const CONNECTIONS = 2_000;
/** Until programs have let go of what they do not need any more, ms. */
const REST = { full: 15_000, quick: 2_000 };

export const footprint = {
  name: 'footprint',
  steps: (_effort, ways) => Object.keys(ways).length,

  async run({ name, place, ways, effort, progress }) {
    const rest = REST[effort.quick ? 'quick' : 'full'];
    const data = {};
    for (const [way, start] of Object.entries(ways)) {
      progress.step(way);
      try {
        data[way] = await footprintOf(start, place, rest);
      } catch (error) {
        leaveOut(way, start, error);
      }
    }
    const rows = Object.entries(data).map(([way, { alone, each }]) => ({
      way,
      'MiB when started': round(alone / 2 ** 20),
      'KiB an idle connection': round(each / 2 ** 10),
    }));
    const bars = rows.map(({ way, 'KiB an idle connection': value }) => ({
      name: way,
      median: value,
      low: value,
      high: value,
    }));
    const unit = 'KiB resident for each connection, both programs together, less is better';
    return {
      tables: [{ title: 'Memory, both programs together', rows }],
      charts: [{ file: name, title: 'Memory of idle connections', unit, groups: [{ label: '', bars }] }],
      data,
    };
  },
};

async function footprintOf(start, place, rest) {
  const way = await start(place);
  const application = place.startApplication();
  try {
    await sleep(rest);
    const alone = resident(way);
    // What the first ones bring about is no matter of how many there are.
    await application.ask('hold', { open: way.open, channels: WARM });
    await sleep(rest);
    const before = resident(way);
    await application.ask('hold', { open: way.open, channels: WARM + CONNECTIONS });
    await sleep(rest);
    return { alone, each: (resident(way) - before) / CONNECTIONS };
  } finally {
    await application.stop();
    await way.stop();
  }
}

function resident({ pids }) {
  return pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
}
