// `npm test`: everything that must hold before a change goes in, from a fresh clone on, one line per step.
import { runTests, summary } from './run-tests.mjs';
import { build, install, step } from './steps.mjs';

/** Runs every test and prints the summary: `N passed, N failed, N skipped`. */
async function tests() {
  const result = await runTests('tests');
  if (result !== undefined) console.log(`\n${summary(result)}`);
  return result?.succeeded === true;
}

const check = () => step('check', 'npm', ['run', '--silent', 'check']);

process.exitCode = 1;
for (const run of [install, build, check, tests]) {
  if (!(await run())) process.exit();
}
process.exitCode = 0;
