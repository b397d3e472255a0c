// How fast bytes go, and what a GiB costs: one direction or both, on one connection or many.
import { takeTurns } from '../support/place.mjs';
import { median, ratios, round, summary } from '../support/statistics.mjs';
import { available, nginx, pipe, pipeTls, sshL, tcp, ws, wss } from '../support/ways.mjs';

const WAYS = available({
  tcp,
  pipe,
  ws,
  'ssh -L': sshL,
  'pipe, TLS between': pipeTls,
  wss,
  'wss by nginx': nginx,
});
/** What each is compared with; the others with `pipe`. */
const BASELINES = { wss: 'pipe, TLS between', 'wss by nginx': 'pipe, TLS between' };
const GIB = 2 ** 30;

function scenariosOf({ quick }) {
  const directions = ['down', 'up', 'both'].slice(0, quick ? 2 : 3);
  const channels = quick ? [1, 64] : [1, 8, 64];
  return directions.flatMap((direction) => channels.map((count) => ({ direction, channels: count })));
}

export const bulk = {
  name: 'bulk',
  steps: (effort) => scenariosOf(effort).length * Object.keys(WAYS).length * (effort.repeats + 1),

  async run({ place, effort, progress }) {
    const bytes = (effort.quick ? 96 : 256) * 2 ** 20;
    const { repeats } = effort;
    const setting = { place, ways: WAYS, scenarios: scenariosOf(effort), repeats, progress };
    const found = await takeTurns(setting, async (application, way, { direction, channels }) => {
      const each = bytes / channels / (direction === 'both' ? 2 : 1);
      const down = direction === 'up' ? 0 : each;
      const up = direction === 'down' ? 0 : each;
      const { open, pids } = way;
      const { seconds, cpu } = await application.ask('bulk', { open, pids, channels, down, up });
      return { rate: bytes / 2 ** 20 / seconds, cost: (cpu * GIB) / bytes };
    });
    const rows = found.flatMap(rowsOf);
    return {
      tables: [{ title: 'Bulk transfer', rows }],
      charts: [
        chartOf(
          found,
          'cost',
          'bulk-cpu',
          'CPU for a GiB',
          'CPU seconds per GiB, both programs together, less is better',
        ),
        chartOf(found, 'rate', 'bulk-rate', 'Throughput', 'MiB per second, more is better'),
      ],
      data: found,
    };
  },
};

function rowsOf({ scenario, measured }) {
  const values = (way, figure) => measured[way].map((each) => each[figure]);
  return Object.keys(measured).map((way) => {
    const baseline = BASELINES[way] ?? 'pipe';
    const cost = summary(ratios(values(way, 'cost'), values(baseline, 'cost')));
    const rate = summary(ratios(values(way, 'rate'), values(baseline, 'rate')));
    return {
      scenario: `${scenario.direction} ${scenario.channels}`,
      way,
      'MiB/s': Math.round(median(values(way, 'rate'))),
      'rate ratio': rate.median,
      'rate spread': `${rate.low}–${rate.high}`,
      'CPU s/GiB': round(median(values(way, 'cost')), 2),
      'CPU ratio': cost.median,
      'CPU spread': `${cost.low}–${cost.high}`,
      'ratio to': baseline,
    };
  });
}

function chartOf(found, figure, file, title, unit) {
  const groups = found.map(({ scenario, measured }) => ({
    label: `${scenario.direction} ${scenario.channels}`,
    bars: Object.entries(measured)
      .filter(([, turns]) => turns.some((each) => each[figure] > 0))
      .map(([name, turns]) => ({ name, ...summary(turns.map((each) => each[figure])) })),
  }));
  return { file, title, unit, groups };
}
