// The same ways over a wide-area link (netlab): a page, a keystroke beside a transfer, a transfer alone, and one the other
// way on the same connection. Each is started anew for each measurement, and they take turns, as in wan.mjs.
import { onLink, whyNoLink } from '../support/link.mjs';
import { median, quantile, round, summary } from '../support/statistics.mjs';

const KEYSTROKE = { rtt: 50, mbit: 20 };
const LONG = { rtt: 100, mbit: 200 };

/** What the application does, over which link, and the figures that come of it. */
const FIGURES = [
  {
    title: 'A page of 60 objects, all at once, 100 ms and 50 Mbit/s',
    link: { rtt: 100, mbit: 50 },
    what: { page: 60, parallel: 60 },
    figures: { ms: ({ elapsed }) => elapsed },
    turns: 3,
  },
  ...['down', 'up'].map((bulk) => ({
    title: `A keystroke beside a transfer ${bulk}, 50 ms and 20 Mbit/s`,
    link: KEYSTROKE,
    what: { bulk, echo: true, seconds: 10 },
    figures: {
      'echo p50 ms': ({ echoes }) => quantile(echoes, 0.5),
      'echo p99 ms': ({ echoes }) => quantile(echoes, 0.99),
      'Mbit/s': ({ rate }) => rate,
    },
    turns: 1,
  })),
  {
    title: '60 MB down, then 60 MB up on the same connection, 100 ms and 200 Mbit/s',
    link: LONG,
    what: { turn: 60_000_000 },
    figures: { 'down s': ({ first }) => first / 1000, 'up s': ({ second }) => second / 1000 },
    turns: 1,
  },
];

export const path = {
  name: 'path',
  steps: () => FIGURES.length,

  async run({ name, ways, peers, effort, progress }) {
    const problem = whyNoLink();
    if (problem !== undefined) {
      console.error(`${name} is left out: ${problem}`);
      return { tables: [], charts: [], data: {} };
    }
    const repeats = effort.quick ? 1 : 3;
    const found = [];
    for (const { title, link, what, figures, turns } of FIGURES) {
      progress.step(title);
      const asked = { names: Object.keys(ways), peers, what, repeats: repeats * turns };
      const [runs] = await onLink(link, 'support/path-inside.mjs', [JSON.stringify(asked)]);
      const values = Object.entries(runs).map(([way, results]) => {
        const each = Object.entries(figures).map(([figure, of]) => [figure, results.map(of)]);
        return [way, Object.fromEntries(each)];
      });
      found.push({ title, values: Object.fromEntries(values) });
    }
    const [page] = found;
    const groups = Object.entries(page.values).map(([way, { ms }]) => ({ name: way, ...summary(ms, 0) }));
    const unit = 'milliseconds, less is better';
    return {
      tables: found.map(({ title, values }) => ({ title, rows: rowsOf(values) })),
      charts: [{ file: `${name}-page`, title: page.title, unit, groups: [{ label: '', bars: groups }] }],
      data: found,
    };
  },
};

function rowsOf(values) {
  return Object.entries(values).map(([way, figures]) => {
    const medians = Object.entries(figures).map(([figure, each]) => [figure, round(median(each), 2)]);
    return { way, ...Object.fromEntries(medians) };
  });
}
