// The faults in full: `npm run test:faults -- [--quick] [--only S1,S5] [--seed N] [--minutes N]
// [--folder DIR]`. Those that ran in full take their place in the report, docs/reliability.md.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { chooseSeed } from 'wsproxy-test-support/dice';
import { isInstalled } from 'wsproxy-test-support/programs/installed';
import type { Lab, Outcome } from './lab/lab.js';
import { writeReport } from './report/report.js';
import { recordResult } from './report/results.js';
import { runScenario } from './run-scenario.js';
import { scenarios } from './scenarios/index.js';

const PROGRESS_INTERVAL = 10_000;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    folder: { type: 'string', default: join(tmpdir(), `wsproxy-faults-${process.pid}`) },
  },
});
const effort = values.quick ? 'quick' : 'full';
const seed = values.seed ?? chooseSeed();
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const wanted = values.only?.split(',');
const unknown = wanted?.filter((id) => !scenarios.some((scenario) => scenario.id === id)) ?? [];
if (unknown.length > 0) {
  console.error(`no such scenario: ${unknown.join(', ')}; there are ${scenarios.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}
mkdirSync(values.folder, { recursive: true });
console.log(`seed ${seed}, ${effort}; histories in ${values.folder}`);

let failed = 0;
let skipped = 0;
const chosen = scenarios.filter(({ id }) => wanted?.includes(id) ?? true);
for (const scenario of chosen) {
  const missing = (scenario.programs ?? []).filter((program) => !isInstalled(program));
  if (scenario.root === true && process.getuid?.() !== 0) missing.push('root');
  if (missing.length > 0) {
    skipped += 1;
    console.log(`${scenario.id.padEnd(4)} skipped: without ${missing.join(', ')}`);
    continue;
  }
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 1000);
  let lab: Lab | undefined;
  const progress = setInterval(() => {
    console.log(`${scenario.id.padEnd(4)}   ${String(seconds()).padStart(4)} s  ${lab?.status}`);
  }, PROGRESS_INTERVAL);
  const onLab = (made: Lab): void => {
    lab = made;
  };
  const outcome = await runScenario(scenario, { seed, effort, minutes, folder: values.folder, onLab });
  clearInterval(progress);
  await endAll().catch((error: unknown) => console.error(error));
  tell(scenario.id, scenario.title, outcome, seconds());
  if (outcome.failures.length > 0) failed += 1;
  if (effort === 'full') recordResult(scenario, seed, seconds(), outcome);
}
if (effort === 'full') writeReport();
console.log(`\n${chosen.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped; seed ${seed}`);
process.exit(failed > 0 ? 1 : 0);

function tell(id: string, title: string, outcome: Outcome, seconds: number): void {
  const { balance, recoveries, failures, figures, peakMemory, left } = outcome;
  console.log(
    `${id.padEnd(4)} ${failures.length === 0 ? 'ok    ' : 'FAILED'} ${String(seconds).padStart(4)} s  ${title}`,
  );
  for (const failure of failures) console.log(`       failed: ${failure}`);
  const times = recoveries.map(({ time }) => Math.round(time)).sort((a, b) => a - b);
  const recovered = times.length === 0 ? undefined : { median: times[times.length >> 1], max: times.at(-1) };
  console.log(`       ${JSON.stringify({ ...balance, recovered, ...figures, peakMemory, left })}`);
}
