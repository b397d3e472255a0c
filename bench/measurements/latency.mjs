// How long 64 bytes take there and back on an idle path.
import { takeTurns } from '../support/place.mjs';
import { figuresOf, quantile, round, summary } from '../support/statistics.mjs';
import { available, pipe, pipeTls, sshL, tcp, ws, wss } from '../support/ways.mjs';

export const latency = {
  name: 'latency',
  ways: available({ tcp, pipe, ws, 'ssh -L': sshL, 'pipe, TLS between': pipeTls, wss }),
  steps: ({ repeats }, ways) => Object.keys(ways).length * (repeats + 1),

  async run({ name: file, place, ways, effort, progress }) {
    const count = effort.quick ? 1_500 : 5_000;
    const { repeats } = effort;
    const setting = { place, ways, scenarios: [{}], repeats, progress };
    const [{ measured }] = await takeTurns(setting, async (application, { open, pids }) => {
      const { times, cpu } = await application.ask('echo', { open, pids, count });
      return { p50: quantile(times, 0.5) * 1000, p99: quantile(times, 0.99) * 1000, cpu: (cpu / count) * 1e6 };
    });
    const { values, middle, over } = figuresOf(measured);
    const rows = Object.keys(measured).map((way) => {
      const baseline = ways[way].baseline ?? 'pipe';
      const ratio = over(way, 'p50', baseline);
      return {
        way,
        'p50 µs': round(middle(way, 'p50')),
        'p50 ratio': ratio.median,
        'p50 spread': `${ratio.low}–${ratio.high}`,
        'p99 µs': round(middle(way, 'p99')),
        'p99 ratio': over(way, 'p99', baseline).median,
        'CPU µs each': round(middle(way, 'cpu')),
        'ratio to': baseline,
      };
    });
    const groups = ['p50', 'p99'].map((figure) => ({
      label: figure,
      bars: Object.keys(measured).map((name) => ({ name, ...summary(values(name, figure), 1) })),
    }));
    const unit = 'microseconds, less is better';
    return {
      tables: [{ title: '64 bytes there and back', rows }],
      charts: [{ file, title: '64 bytes there and back', unit, groups }],
      data: measured,
    };
  },
};
