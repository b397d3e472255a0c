// What the tunnel costs, beside what it is compared with, in one run:
//
//   npm run bench [-- [--quick] [--repeats 7] [--label LABEL] [NAME ...]]
//
// Prints tables, and writes NAME.json and charts as SVG to bench/results, under NAME-LABEL if there is a label. Linux only: it reads /proc. `--quick` takes
// less than two minutes, with wider spreads. docs/performance.md says what the figures mean.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { bulk } from './measurements/bulk.mjs';
import { growth } from './measurements/growth.mjs';
import { latency } from './measurements/latency.mjs';
import { memory } from './measurements/memory.mjs';
import { opens } from './measurements/opens.mjs';
import { startup } from './measurements/startup.mjs';
import { barChart } from './support/chart.mjs';
import { createPlace } from './support/place.mjs';
import { inBench } from './support/program.mjs';
import { createProgress } from './support/progress.mjs';
import { writeResults } from './support/results.mjs';

const MEASUREMENTS = [bulk, latency, opens, memory, growth, startup];

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, repeats: { type: 'string' }, label: { type: 'string' } },
  allowPositionals: true,
});
const wanted = MEASUREMENTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const names = MEASUREMENTS.map(({ name }) => name);
for (const name of positionals) {
  if (names.includes(name)) continue;
  console.error(`there is no measurement ${name}, only ${names.join(', ')}`);
  process.exit(2);
}
const effort = { quick: values.quick, repeats: Number(values.repeats ?? (values.quick ? 5 : 7)) };
const suffix = values.label === undefined ? '' : `-${values.label}`;
const command = ['npm run bench --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');

for (const measurement of wanted) {
  const place = await createPlace();
  const progress = createProgress(measurement.name, measurement.steps(effort));
  try {
    const { tables, charts, data } = await measurement.run({ place, effort, progress });
    progress.end();
    for (const { title, rows } of tables) {
      console.log(`\n${title}`);
      console.table(rows);
    }
    for (const chart of charts) await writeFile(inBench(`results/${chart.file}${suffix}.svg`), barChart(chart));
    await writeResults(`${measurement.name}${suffix}`, command, { effort, tables, data });
  } finally {
    progress.end();
    await place.stop();
  }
}
