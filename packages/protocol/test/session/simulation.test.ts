import { expect, test } from 'vitest';
import { Simulation } from './simulation.js';

/** More, or one of your own: SEEDS=100000, SEED=1234. */
const { SEEDS = '2000', SEED } = process.env;
const seeds = SEED === undefined ? Array.from({ length: Number(SEEDS) }, (_, n) => n + 1) : [Number(SEED)];

test(`no byte is lost, repeated or out of order, whatever the network does (${seeds.length} seeds)`, () => {
  for (const seed of seeds) {
    try {
      new Simulation(seed).run();
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
  expect(seeds.length).toBeGreaterThan(0);
}, 600_000);
