// What a GiB costs when it is spread over more and more connections, all of them open.
import { createPlace } from '../support/place.mjs';
import { exponent, median, round, summary } from '../support/statistics.mjs';
import { pipe, ws } from '../support/ways.mjs';

const WAYS = { pipe, ws };
const RESPONSE = 65_536;
/** A bare relay has two sockets for each connection: with more it would run out of descriptors where 20 000 are allowed. */
const MOST = { pipe: 9_500, ws: 10_000 };

function countsOf({ quick }) {
  return quick ? [1, 100, 10_000] : [1, 10, 100, 1_000, 10_000];
}

export const growth = {
  name: 'growth',
  steps: (effort) => countsOf(effort).length * Object.keys(WAYS).length * (effort.repeats + 1),

  async run({ place, effort, progress }) {
    const count = effort.quick ? 1_500 : 6_000;
    const started = [];
    const found = [];
    // Each has a destination of its own, for the same reason.
    const second = await createPlace();
    try {
      for (const [name, start] of Object.entries(WAYS)) {
        const own = name === 'pipe' ? second : place;
        started.push({ name, application: own.startApplication(), ...(await start(own)) });
      }
      for (const channels of countsOf(effort)) {
        const costs = Object.fromEntries(started.map(({ name }) => [name, []]));
        for (const { name, application, open } of started) {
          await application.ask('hold', { open, channels: Math.min(channels, MOST[name]) });
        }
        for (let turn = 0; turn <= effort.repeats; turn++) {
          for (const { name, application, pids } of started) {
            progress.step(`${channels} ${name}`);
            const { cpu } = await application.ask('respond', { count, pids });
            if (turn > 0) costs[name].push((cpu * 2 ** 30) / (count * RESPONSE));
          }
        }
        found.push({ channels, costs });
      }
    } finally {
      for (const way of started) await way.stop();
      await second.stop();
    }
    const rows = found.map(({ channels, costs }) => ({
      channels,
      ...Object.fromEntries(Object.keys(WAYS).map((name) => [`${name} CPU s/GiB`, round(median(costs[name]), 2)])),
      ratio: round(median(costs.ws) / median(costs.pipe), 2),
    }));
    const exponents = Object.keys(WAYS).map((name) => ({
      way: name,
      exponent: round(exponent(found.map(({ channels, costs }) => [channels, median(costs[name])])), 3),
    }));
    const groups = found.map(({ channels, costs }) => ({
      label: `${channels} open`,
      bars: Object.entries(costs).map(([name, values]) => ({ name, ...summary(values) })),
    }));
    const unit = 'CPU seconds per GiB in responses of 64 KiB, all connections in turn, less is better';
    return {
      tables: [
        { title: 'Cost by open connections', rows },
        { title: 'Exponent of the cost of a byte in the number of connections', rows: exponents },
      ],
      charts: [{ file: 'growth', title: 'Cost by open connections', unit, groups }],
      data: found,
    };
  },
};
