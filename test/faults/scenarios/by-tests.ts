import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Tests that are a scenario already, given more to do than every day. */
async function runTests(lab: Lab, files: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const report = join(temporaryFolder(), 'report.json');
  const args = ['run', ...files, '--reporter=json', `--outputFile=${report}`];
  lab.status = files.join(', ');
  const vitest = new Program(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: ROOT,
    env,
  });
  const { code, stdout, stderr } = await vitest.ended;
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  lab.figure('tests passed', numPassedTests);
  lab.figure('tests skipped', numPendingTests);
  for (const { assertionResults } of testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') lab.fail(`${fullName}: ${String(failureMessages[0]).split('\n')[0]}`);
    }
  }
  if (code !== 0 && numFailedTests === 0) lab.fail(`vitest ends with ${code}: ${(stderr || stdout).slice(-500)}`);
  if (numPassedTests === 0) lab.fail('no test has run');
}

export const byTests: readonly Scenario[] = [
  {
    id: 'S12',
    title: 'every hostile frame, and a million mutated ones',
    run: (lab) =>
      runTests(
        lab,
        [
          'packages/engine/test/session/mutated-frames.test.ts',
          'test/hostile/frames.test.ts',
          'test/hostile/websocket-frames.test.ts',
          'test/hostile/websocket-upgrade.test.ts',
          'test/hostile/bad-server.test.ts',
          'test/hostile/dishonest-resumes.test.ts',
          'test/hostile/mutations.test.ts',
        ],
        { MUTATIONS: '1000000' },
      ),
  },
  {
    id: 'S13',
    title: 'every spelling of a forbidden address, by every way, with listeners on them that nobody may reach',
    run: (lab) => runTests(lab, ['test/hostile/ssrf.test.ts']),
  },
  {
    id: 'S14',
    title: 'a name that changes its mind between a public and a private address, 10,000 times',
    run: (lab) => runTests(lab, ['test/hostile/ssrf.test.ts'], { REBINDINGS: '10000' }),
  },
  {
    id: 'S15',
    title: 'nameservers that are dead, slow or wrong, beside one that is well',
    run: (lab) => runTests(lab, ['test/server/dns.test.ts', 'packages/node/test/dial/names/resolver.test.ts']),
  },
  {
    id: 'S16',
    title: 'wrong tokens, half a handshake, slow headers, more strangers than may be',
    run: (lab) =>
      runTests(lab, [
        'test/server/wrong-tokens.test.ts',
        'test/server/what-strangers-see.test.ts',
        'packages/server/test/gateway/gateway-limits.test.ts',
      ]),
  },
  {
    id: 'S22',
    title: 'an end of another version',
    run: (lab) => runTests(lab, ['test/hostile/frames.test.ts', 'test/hostile/dishonest-resumes.test.ts', '-t', 'F3']),
  },
];
