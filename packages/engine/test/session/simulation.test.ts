import { expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { Simulation } from './simulation.js';

/** `SEEDS` of them, or the one `SEED` that has failed. */
const only = effort('SEED', 0);
const seeds = only > 0 ? [only] : Array.from({ length: effort('SEEDS', 10_000) }, (_, n) => n + 1);

test(`no byte is lost, repeated or out of order, no matter what the network does (${seeds.length} seeds)`, () => {
  for (const seed of seeds) {
    try {
      new Simulation(seed).run();
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
  expect(seeds.length).toBeGreaterThan(0);
}, 600_000);
