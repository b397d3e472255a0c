// `npm test`: everything that must hold before a change goes in, from a fresh clone on, one line per step.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install, step, tool } from './steps.mjs';

/** Runs vitest and prints its summary: `N passed, N failed, N skipped`. */
async function tests() {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-test-'));
  const report = join(folder, 'report.json');
  try {
    const vitest = [
      tool('vitest', 'vitest'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const succeeded = await step('tests', process.execPath, vitest);
    if (!existsSync(report)) return false;
    const counts = count(JSON.parse(readFileSync(report, 'utf8')));
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    return succeeded && counts.failed === 0 && counts.passed > 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function count(report) {
  // A file that cannot even be loaded has no test that could fail.
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const check = () => step('check', 'npm', ['run', '--silent', 'check']);

process.exitCode = 1;
for (const run of [install, build, check, tests]) {
  if (!(await run())) process.exit();
}
process.exitCode = 0;
