// What Wisp costs the server, beside the server of wisp-js: bytes each way, and connections opened.
import { takeTurns } from '../support/place.mjs';
import { figuresOf, round, summary } from '../support/statistics.mjs';
import { wispJs, wispOfOurs } from '../support/wisp-servers.mjs';

const GIB = 2 ** 30;
const SCENARIOS = [
  { what: 'down', streams: 1 },
  { what: 'down', streams: 64 },
  { what: 'up', streams: 1 },
  { what: 'up', streams: 64 },
  { what: 'opens', streams: 1 },
  { what: 'opens', streams: 32 },
];

export const wisp = {
  name: 'wisp',
  /** The others are compared with the first one that is there. */
  ways: { 'wisp-js': wispJs, wsproxy: wispOfOurs },
  steps: ({ repeats }, ways) => SCENARIOS.length * Object.keys(ways).length * (repeats + 1),

  async run({ name: file, place, ways, effort, progress }) {
    const { repeats } = effort;
    const setting = { place, ways, scenarios: SCENARIOS, repeats, progress };
    const found = await takeTurns(setting, (application, way, { what, streams }) => {
      return what === 'opens'
        ? openMany(application, way, streams, effort.quick ? 1_000 : 5_000)
        : moveBytes(application, way, { what, streams }, (effort.quick ? 96 : 256) * 2 ** 20);
    });
    const bytes = found.filter(({ scenario }) => scenario.what !== 'opens');
    const opens = found.filter(({ scenario }) => scenario.what === 'opens');
    return {
      tables: [
        { title: 'Bytes by Wisp', rows: bytes.flatMap((each) => rowsOf(each, 'MiB/s', 'CPU s/GiB')) },
        { title: 'Connections opened by Wisp', rows: opens.flatMap((each) => rowsOf(each, 'opens/s', 'CPU ms each')) },
      ],
      charts: [
        chartOf(bytes, 'cost', `${file}-cpu`, 'CPU for a GiB by Wisp', 'CPU seconds of the server, less is better'),
        chartOf(bytes, 'rate', `${file}-rate`, 'Throughput by Wisp', 'MiB per second, more is better'),
        chartOf(opens, 'rate', `${file}-opens`, 'Connections opened by Wisp', 'per second, more is better'),
      ],
      data: found,
    };
  },
};

async function moveBytes(application, { open, pids }, { what, streams: channels }, bytes) {
  const [down, up] = what === 'down' ? [bytes / channels, 0] : [0, bytes / channels];
  const { seconds, cpu } = await application.ask('bulk', { open, pids, channels, down, up });
  return { rate: bytes / 2 ** 20 / seconds, cost: (cpu * GIB) / bytes };
}

async function openMany(application, { open, pids }, parallel, count) {
  const { seconds, cpu } = await application.ask('opens', { open, pids, parallel, count });
  return { rate: count / seconds, cost: (cpu / count) * 1000 };
}

function rowsOf({ scenario, measured }, rateUnit, costUnit) {
  const { middle, over } = figuresOf(measured);
  const [baseline] = Object.keys(measured);
  return Object.keys(measured).map((way) => {
    const rate = over(way, 'rate', baseline);
    const cost = over(way, 'cost', baseline);
    return {
      scenario: `${scenario.what} ${scenario.streams}`,
      way,
      [rateUnit]: Math.round(middle(way, 'rate')),
      'rate ratio': rate.median,
      'rate spread': `${rate.low}–${rate.high}`,
      [costUnit]: round(middle(way, 'cost'), 3),
      'CPU ratio': cost.median,
      'CPU spread': `${cost.low}–${cost.high}`,
      'ratio to': baseline,
    };
  });
}

function chartOf(found, figure, file, title, unit) {
  const groups = found.map(({ scenario, measured }) => ({
    label: `${scenario.what} ${scenario.streams}`,
    bars: Object.entries(measured).map(([name, turns]) => ({ name, ...summary(turns.map((each) => each[figure])) })),
  }));
  return { file, title, unit, groups };
}
