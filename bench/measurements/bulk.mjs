// How fast bytes go, and what a GiB costs: one direction or both, on one connection or many.
import { takeTurns } from '../support/place.mjs';
import { figuresOf, round, summary } from '../support/statistics.mjs';
import { available, nginx, pipe, pipeTls, sshL, tcp, ws, wss } from '../support/ways.mjs';

const GIB = 2 ** 30;

function scenariosOf({ isWide }) {
  const directions = isWide ? ['down', 'up', 'both'] : ['down', 'up'];
  const channels = isWide ? [1, 8, 64] : [1, 64];
  return directions.flatMap((direction) => channels.map((count) => ({ direction, channels: count })));
}

export const bulk = {
  name: 'bulk',
  ways: available({
    tcp,
    pipe,
    ws,
    'ssh -L': sshL,
    'pipe, TLS between': pipeTls,
    wss,
    'wss by nginx': nginx,
  }),
  steps: (effort, ways) => scenariosOf(effort).length * Object.keys(ways).length * (effort.repeats + 1),

  async run({ name, place, ways, effort, progress }) {
    const bytes = (effort.quick ? 96 : 256) * 2 ** 20;
    const { repeats } = effort;
    const setting = { place, ways, scenarios: scenariosOf(effort), repeats, progress };
    const found = await takeTurns(setting, async (application, way, { direction, channels }) => {
      const each = bytes / channels / (direction === 'both' ? 2 : 1);
      const down = direction === 'up' ? 0 : each;
      const up = direction === 'down' ? 0 : each;
      const { open, pids } = way;
      const { seconds, cpu } = await application.ask('bulk', { open, pids, channels, down, up });
      return { rate: bytes / 2 ** 20 / seconds, cost: (cpu * GIB) / bytes };
    });
    const rows = found.flatMap((each) => rowsOf(each, ways));
    return {
      tables: [{ title: 'Bulk transfer', rows }],
      charts: [
        chartOf(
          found,
          'cost',
          `${name}-cpu`,
          'CPU for a GiB',
          'CPU seconds per GiB, both programs together, less is better',
        ),
        chartOf(found, 'rate', `${name}-rate`, 'Throughput', 'MiB per second, more is better'),
      ],
      data: found,
    };
  },
};

function rowsOf({ scenario, measured }, ways) {
  const { middle, over } = figuresOf(measured);
  return Object.keys(measured).map((way) => {
    const baseline = ways[way].baseline ?? 'pipe';
    const cost = over(way, 'cost', baseline);
    const rate = over(way, 'rate', baseline);
    return {
      scenario: `${scenario.direction} ${scenario.channels}`,
      way,
      'MiB/s': Math.round(middle(way, 'rate')),
      'rate ratio': rate.median,
      'rate spread': `${rate.low}–${rate.high}`,
      'CPU s/GiB': round(middle(way, 'cost'), 2),
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
