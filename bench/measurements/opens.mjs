// How many connections a second can be opened, each for 1 KiB, and how soon their first byte comes.
import { startOpensLoad } from '../support/opens-load.mjs';
import { takeTurns } from '../support/place.mjs';
import { figuresOf, round, summary } from '../support/statistics.mjs';
import { available, pipe, sshD, tcp, ws, wsAtDefaultLimits } from '../support/ways.mjs';

const SCENARIOS = [{ parallel: 1 }, { parallel: 32 }];

export const opens = {
  name: 'opens',
  ways: available({ tcp, pipe, ws, 'ws, default limits': wsAtDefaultLimits, 'ssh -D': sshD }),
  steps: ({ repeats }, ways) => SCENARIOS.length * Object.keys(ways).length * (repeats + 1),

  async run({ name: file, place, ways, effort, progress }) {
    const { repeats } = effort;
    const load = await startOpensLoad();
    const setting = { place: { ...place, target: load.target }, ways, scenarios: SCENARIOS, repeats, progress };
    const found = await takeTurns(setting, async (_application, { open, pids }, { parallel }) => {
      const count = effort.quick ? 1_000 : 5_000;
      const { seconds, firstByte, cpu } = await load.open({ open, pids, count, parallel });
      return { rate: count / seconds, firstByte, cpu: (cpu / count) * 1000 };
    });
    await load.stop();
    const rows = found.flatMap(({ scenario, measured }) => {
      const { middle, over } = figuresOf(measured);
      return Object.keys(measured).map((way) => {
        const baseline = ways[way].baseline ?? 'pipe';
        const ratio = over(way, 'rate', baseline);
        return {
          'at a time': scenario.parallel,
          way,
          'opens/s': Math.round(middle(way, 'rate')),
          ratio: ratio.median,
          spread: `${ratio.low}–${ratio.high}`,
          'first byte ms': round(middle(way, 'firstByte'), 2),
          'CPU ms each': round(middle(way, 'cpu'), 3),
          'ratio to': baseline,
        };
      });
    });
    const groups = found.map(({ scenario, measured }) => ({
      label: `${scenario.parallel} at a time`,
      bars: Object.entries(measured).map(([name, turns]) => ({
        name,
        ...summary(
          turns.map(({ rate }) => rate),
          0,
        ),
      })),
    }));
    const unit = 'connections per second, each gets 1 KiB and closes, more is better';
    return {
      tables: [{ title: 'Connections opened', rows }],
      charts: [{ file, title: 'Connections opened', unit, groups }],
      data: found,
    };
  },
};
