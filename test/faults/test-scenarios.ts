import { expect, test } from 'vitest';
import { chooseSeed } from 'wsproxy-test-support/dice';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { runScenario } from './run-scenario.js';
import type { Scenario } from './scenario.js';

const TIME_LIMIT = 180_000;

/** The short form of each scenario. The long one: `npm run test:faults`. */
export function testScenarios(scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios) {
    test(
      `the short form of ${scenario.id} passes (${scenario.title})`,
      async (context) => {
        if (scenario.root === true && process.getuid?.() !== 0) context.skip('skipped: only root can do it');
        for (const program of scenario.programs ?? []) skipWithout(context, program);
        const seed = chooseSeed();
        await context.annotate(`WSPROXY_SEED=${seed}`);
        const { failures } = await runScenario(scenario, { seed, effort: 'quick', folder: temporaryFolder() });
        expect(failures).toEqual([]);
      },
      TIME_LIMIT,
    );
  }
}
