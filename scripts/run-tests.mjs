// One run of vitest, and what came of it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { step, tool } from './steps.mjs';

/** Runs vitest with the Node at `node` as the step `name`. Gives the counts, or undefined when there are none. */
export async function runTests(name, { node = process.execPath, args = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const succeeded = await step(name, node, [tool('vitest', 'vitest'), 'run', ...reporters, ...args]);
    if (!existsSync(report)) return undefined;
    const counts = count(JSON.parse(readFileSync(report, 'utf8')));
    return { ...counts, succeeded: succeeded && counts.failed === 0 && counts.passed > 0 };
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

export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
