import { describe, expect, test } from 'vitest';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { CutAges } from '../../src/reach/cut-ages.js';

/** Of one session: each transport begins when the one before was cut. */
function afterCuts(...ages: readonly number[]): number {
  const cuts = new CutAges();
  let now = 0;
  for (const age of ages) {
    now += age;
    cuts.onCut(age, now);
  }
  return cuts.safeAge(now);
}

/** Of several sessions: ages, and how long after the cut before. */
function afterCutsAt(...all: readonly (readonly [age: number, pause: number])[]): number {
  const cuts = new CutAges();
  let now = 0;
  for (const [age, pause] of all) {
    now += pause;
    cuts.onCut(age, now);
  }
  return cuts.safeAge(now);
}

describe('transports that are cut', () => {
  test.each([
    ['never', []],
    ['twice', [30_000, 30_000]],
    ['at ages that differ', [30_000, 30_000, 20_000]],
    ['at one age, and then at another', [30_000, 30_000, 30_000, 12_000]],
  ])('%s may become as old as they like', (_, ages) => {
    expect(afterCuts(...ages)).toBe(Number.POSITIVE_INFINITY);
  });

  test('at once, whenever that is, may become as old as they like', () => {
    expect(afterCutsAt([1_999, 9_000], [1_999, 9_000], [1_999, 9_000])).toBe(Number.POSITIVE_INFINITY);
    expect(afterCutsAt([2_000, 9_000], [2_000, 9_000], [2_000, 9_000])).toBe(1_600);
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

describe('transports of several sessions', () => {
  test('that one loss of the network ends together say no more than one', () => {
    const loss = [[30_000, 31_000], ...Array.from({ length: 7 }, () => [30_000, 1] as const)] as const;
    expect(afterCutsAt(...loss)).toBe(Number.POSITIVE_INFINITY);
    expect(afterCutsAt(...loss, ...loss)).toBe(Number.POSITIVE_INFINITY);
    expect(afterCutsAt(...loss, ...loss, ...loss)).toBe(24_000);
  });

  test('that are cut together at ages that differ show that age is not the reason', () => {
    const regular = Array.from({ length: 3 }, () => [30_000, 31_000] as const);
    expect(afterCutsAt(...regular, [30_000, 31_000], [12_000, 1])).toBe(Number.POSITIVE_INFINITY);
  });

  test('that are cut at one age, one soon after the other, are replaced before it', () => {
    const staggered = Array.from({ length: 10 }, () => [60_000, 500] as const);
    expect(afterCutsAt(...staggered)).toBe(48_000);
  });
});

describe('that all are cut at one age', () => {
  const AGE = 30_000;
  /** Is cut whenever a transport becomes so old; gives how many transports were cut, and how many followed one another, in `time`, ms. */
  function live(cuts: CutAges, from: number, time: number): { cut: number; replaced: number; now: number } {
    let [now, cut, replaced] = [from, 0, 0];
    while (now < from + time) {
      const safe = cuts.safeAge(now);
      now += Math.min(safe, AGE);
      if (safe < AGE) replaced += 1;
      else {
        cut += 1;
        cuts.onCut(AGE, now);
      }
    }
    return { cut, replaced, now };
  }

  test('is doubted ever more seldom, as each doubt costs a cut', () => {
    const cuts = new CutAges();
    const day = live(cuts, 0, 24 * 3_600_000);
    expect([day.cut, day.replaced > 3_500]).toEqual([11, true]);
  });

  test('is believed no more when one has become older', () => {
    const cuts = new CutAges();
    const { now } = live(cuts, 0, 20 * AGE);
    let later = now;
    while (cuts.safeAge(later) < AGE) later += AGE;
    expect(later - now).toBeLessThan(20 * AGE);
    // Nobody cuts it: it tells nothing, and those after it may become old as well.
    expect(cuts.safeAge(later + 100 * AGE)).toBe(Number.POSITIVE_INFINITY);
  });

  test('and were so by chance is believed for ten of these ages', () => {
    const cuts = new CutAges();
    for (const now of [AGE, 2 * AGE, 3 * AGE]) cuts.onCut(AGE, now);
    expect([cuts.safeAge(12.9 * AGE), cuts.safeAge(13 * AGE)]).toEqual([0.8 * AGE, Number.POSITIVE_INFINITY]);
    cuts.onCut(AGE, 14 * AGE);
    expect([cuts.safeAge(33.9 * AGE), cuts.safeAge(34 * AGE)]).toEqual([0.8 * AGE, Number.POSITIVE_INFINITY]);
    cuts.onCut(AGE / 2, 15 * AGE);
    for (const now of [16, 17, 18]) cuts.onCut(AGE, now * AGE);
    expect([cuts.safeAge(27.9 * AGE), cuts.safeAge(28 * AGE)]).toEqual([0.8 * AGE, Number.POSITIVE_INFINITY]);
  });
});
