// `npm run flake -- 50`: the unit tests so many times in a row, a line each; the failures of every run that had any.
import { runTests, summary } from './run-tests.mjs';
import { build, install } from './steps.mjs';

/** What is the same in every run, since it goes by fixed seeds, is not worth repeating in full. */
const LESS = { SEEDS: '500', MUTATIONS: '2000' };

const times = Number(process.argv[2] ?? 50);
if (!Number.isSafeInteger(times) || times < 1) {
  console.error('expected how many times, such as: npm run flake -- 50');
  process.exit(2);
}
process.exitCode = 1;
if (!(await install()) || !(await build())) process.exit();
for (const [name, value] of Object.entries(LESS)) process.env[name] ??= value;
let failed = 0;
for (let n = 1; n <= times; n++) {
  const result = await runTests(`run ${n}`, { args: ['--project', 'unit'] });
  if (result?.succeeded !== true) failed += 1;
  if (n === times && result !== undefined) console.log(`\nthe last run: ${summary(result)}`);
}
console.log(`${times - failed} of ${times} runs without a failure`);
if (failed === 0) process.exitCode = 0;
