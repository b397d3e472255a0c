import { expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { FlowSimulation } from './flow-simulation.js';

/** `SEEDS` of them, or the one `SEED` that has failed. */
const only = effort('SEED', 0);
const seeds = only > 0 ? [only] : Array.from({ length: effort('SEEDS', 1_500) }, (_, n) => n + 1);

test(`no datagram comes twice, changed, in another flow or ahead of it, no matter what the network does (${seeds.length} seeds)`, () => {
  let arrived = 0;
  for (const seed of seeds) {
    try {
      const simulation = new FlowSimulation(seed);
      simulation.run();
      arrived += simulation.arrived;
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
  expect(arrived).toBeGreaterThan(seeds.length);
}, 600_000);
