// How many datagrams a second go there and back, and what each costs: beside programs that have UDP on both sides.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { relay, relays, udp, wsproxy } from '../support/datagram-ways.mjs';
import { takeTurns } from '../support/place.mjs';
import { cpuSeconds } from '../support/processes.mjs';
import { inBench, listeningAt, startProgram, stopProgram } from '../support/program.mjs';
import { figuresOf, round, summary } from '../support/statistics.mjs';

const run = promisify(execFile);
/** What the others are compared with. */
const FLOOR = 'two relays';
const WAYS = { 'no relay': udp, 'one relay': relay, [FLOOR]: relays, wsproxy };
/** Under way at a time. */
const WINDOW = 32;
const SCENARIOS = [{ size: 100 }, { size: 1_200 }];

export const datagrams = {
  name: 'datagrams',
  ways: WAYS,
  steps: ({ repeats }, ways) => SCENARIOS.length * Object.keys(ways).length * (repeats + 1),

  async run({ name: file, place, ways, effort, progress }) {
    const count = effort.quick ? 4_000 : 30_000;
    const destination = await startProgram([], [inBench('support/datagram-destination.mjs'), '127.0.0.1'], '"ready"');
    try {
      const setting = {
        place: { ...place, target: listeningAt(destination) },
        ways,
        scenarios: SCENARIOS,
        repeats: effort.repeats,
        progress,
      };
      const found = await takeTurns(setting, (_application, way, { size }) => measure(way, size, count));
      return {
        tables: [{ title: `Datagrams there and back, ${WINDOW} under way`, rows: found.flatMap(rowsOf) }],
        charts: [
          chartOf(found, 'cpu', `${file}-cpu`, 'CPU for a datagram there and back', 'microseconds, less is better'),
          chartOf(found, 'rate', `${file}-rate`, 'Datagrams there and back', 'thousands per second, more is better'),
        ],
        data: found,
      };
    } finally {
      await stopProgram(destination);
    }
  },
};

async function measure({ address, pids }, size, count) {
  const before = cpuSeconds(pids);
  const load = JSON.stringify({ to: address, size, window: WINDOW, count });
  const { stdout } = await run(process.execPath, [inBench('support/datagram-load.mjs'), load], { maxBuffer: 2 ** 26 });
  const { answered, seconds } = JSON.parse(stdout);
  // Else it carries nothing, and costs nothing.
  if (answered < count / 2) throw new Error(`${answered} of ${count} datagrams were answered`);
  return {
    rate: answered / seconds / 1_000,
    cpu: ((cpuSeconds(pids) - before) / answered) * 1e6,
    lost: ((count - answered) / count) * 100,
  };
}

function rowsOf({ scenario, measured }) {
  const { middle, over } = figuresOf(measured);
  return Object.keys(measured).map((way) => {
    const cost = over(way, 'cpu', FLOOR);
    return {
      bytes: scenario.size,
      way,
      'thousands a second': round(middle(way, 'rate')),
      'rate ratio': over(way, 'rate', FLOOR).median,
      'CPU µs each': round(middle(way, 'cpu')),
      'CPU ratio': cost.median,
      'CPU spread': `${cost.low}–${cost.high}`,
      'lost %': round(middle(way, 'lost'), 2),
    };
  });
}

function chartOf(found, figure, file, title, unit) {
  const groups = found.map(({ scenario, measured }) => ({
    label: `${scenario.size} bytes`,
    bars: Object.entries(measured)
      .filter(([, turns]) => turns.some((each) => each[figure] > 0))
      .map(([name, turns]) => ({
        name,
        ...summary(
          turns.map((each) => each[figure]),
          1,
        ),
      })),
  }));
  return { file, title, unit, groups };
}
