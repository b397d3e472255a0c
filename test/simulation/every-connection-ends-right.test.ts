import { expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { World } from './world.js';

/** `SEEDS` of them, or the one `SEED` that has failed. */
const only = effort('SEED', 0);
const seeds = only > 0 ? [only] : Array.from({ length: effort('SEEDS', 5_000) }, (_, n) => n + 1);

test(`no connection gets what is another's, none is stuck, none leaks (${seeds.length} seeds)`, async () => {
  for (const seed of seeds) {
    const world = new World(seed);
    try {
      await world.run();
    } catch (error) {
      throw new Error(`SEED=${seed} (${world.shape.name}): ${String(error)}`, { cause: error });
    }
  }
  expect(seeds.length).toBeGreaterThan(0);
}, 600_000);
