import { describe, expect, test } from 'vitest';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { CutAges } from '../../src/reach/cut-ages.js';

function afterCuts(...ages: readonly number[]): number {
  const cuts = new CutAges();
  for (const age of ages) cuts.onCut(age);
  return cuts.safeAge;
}

describe('transports that are cut', () => {
  test.each([
    ['never', []],
    ['twice', [30_000, 30_000]],
    ['at ages that differ', [30_000, 30_000, 20_000]],
    ['at one age, and then at another', [30_000, 30_000, 30_000, 12_000]],
    ['at once', [100, 100, 100]],
  ])('%s may become as old as they like', (_, ages) => {
    expect(afterCuts(...ages)).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    [[30_000, 30_000, 30_000], 24_000],
    [[30_400, 29_600, 30_000], 23_680],
    [[5_000, 90_000, 60_000, 60_000, 60_000], 48_000],
  ])('at %j ms are replaced at %i', (ages, safe) => {
    expect(afterCuts(...ages)).toBe(safe);
  });

  const seed = chooseSeed();
  test(`at one age, told a little late or soon, are replaced before it and not much sooner (seed ${seed})`, () => {
    const dice = new Dice(seed);
    for (let run = 0; run < 1_000; run += 1) {
      const age = dice.between(3_000, 600_000);
      const told = Array.from({ length: dice.between(3, 9) }, () => (age * dice.between(960, 1_041)) / 1_000);
      const safe = afterCuts(...told);
      expect(safe).toBeLessThan(age * 0.84);
      expect(safe).toBeGreaterThan(age * 0.76);
    }
  });
});
