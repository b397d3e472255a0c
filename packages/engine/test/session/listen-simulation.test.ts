import { expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { ListenSimulation } from './listen-simulation.js';

/** `SEEDS` of them, or the one `SEED` that has failed. */
const only = effort('SEED', 0);
const seeds = only > 0 ? [only] : Array.from({ length: effort('SEEDS', 1_000) }, (_, n) => n + 1);

test(`nothing that arrives, or is called, is lost, doubled or crossed, no matter who listens, drains or dies (${seeds.length} seeds)`, () => {
  let [served, moved, called] = [0, 0, 0];
  for (const seed of seeds) {
    try {
      const simulation = new ListenSimulation(seed);
      simulation.run();
      served += simulation.served;
      moved += simulation.moved;
      called += simulation.called;
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
  if (only === 0)
    expect([served > seeds.length, moved > seeds.length / 20, called > seeds.length]).toEqual([true, true, true]);
}, 600_000);
