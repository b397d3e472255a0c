// How many connections a second can be opened, each for 1 KiB, and how soon their first byte comes.
import { takeTurns } from '../support/place.mjs';
import { median, quantile, ratios, round, summary } from '../support/statistics.mjs';
import { available, pipe, sshD, tcp, ws } from '../support/ways.mjs';

const WAYS = available({ tcp, pipe, ws, 'ssh -D': sshD });
const SCENARIOS = [{ parallel: 1 }, { parallel: 16 }];

export const opens = {
  name: 'opens',
  steps: ({ repeats }) => SCENARIOS.length * Object.keys(WAYS).length * (repeats + 1),

  async run({ place, effort, progress }) {
    const { repeats } = effort;
    const setting = { place, ways: WAYS, scenarios: SCENARIOS, repeats, progress };
    const found = await takeTurns(setting, async (application, { name, open, pids }, { parallel }) => {
      // ssh leaves Nagle's algorithm on, and waits 40 ms for each: a few of them tell as much.
      const count = (effort.quick ? 400 : 2_000) / (name === 'ssh -D' ? 20 / parallel ** 0.5 : 1);
      const { seconds, times, cpu } = await application.ask('opens', { open, pids, count, parallel });
      return { rate: count / seconds, firstByte: quantile(times, 0.5), cpu: (cpu / count) * 1000 };
    });
    const rows = found.flatMap(({ scenario, measured }) => {
      const values = (way, figure) => measured[way].map((each) => each[figure]);
      return Object.keys(measured).map((way) => {
        const ratio = summary(ratios(values(way, 'rate'), values('pipe', 'rate')));
        return {
          'at a time': scenario.parallel,
          way,
          'opens/s': Math.round(median(values(way, 'rate'))),
          'of pipe': ratio.median,
          spread: `${ratio.low}–${ratio.high}`,
          'first byte ms': round(median(values(way, 'firstByte')), 2),
          'CPU ms each': round(median(values(way, 'cpu')), 3),
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
      charts: [{ file: 'opens', title: 'Connections opened', unit, groups }],
      data: found,
    };
  },
};
