import { describe, expect, test } from 'vitest';
import { EARLY_WINDOW, INITIAL_WINDOW, WINDOW_BUDGET, WINDOW_FLOOR } from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { Crowd } from './crowd.js';

const MIB = 1_048_576;

describe.each(['up', 'down'] as const)('a busy channel that carries %s', (way) => {
  const alone = new Crowd({ idle: 0 }).rate(way);

  test('has most of the path when it is alone', () => {
    expect(alone).toBeGreaterThan(0.9 * 12_500);
  });

  test.each([140, 1_000, 16_000])(
    'keeps its rate beside %i idle ones',
    (idle) => {
      const crowd = new Crowd({ idle });
      expect(crowd.rate(way) / alone).toBeGreaterThan(0.95);
      expect(crowd.peak).toBeLessThanOrEqual(WINDOW_BUDGET);
    },
    60_000,
  );

  test('keeps its rate beside many that carried much before', () => {
    const crowd = new Crowd({ idle: 100, past: 400_000 });
    expect(crowd.wait(5_000).rate(way) / alone).toBeGreaterThan(0.95);
  }, 60_000);
});

describe('a busy channel of one user, where all share little memory', () => {
  const alone = new Crowd({ idle: 0 }).rate('up');

  test('keeps its rate beside the idle ones of others', () => {
    const windows = new MemoryBudget(8 * MIB);
    // Their time stands still meanwhile, so that they give nothing back.
    const others = Array.from({ length: 4 }, () => new Crowd({ idle: 200, windows }));
    const busy = new Crowd({ idle: 0, windows });
    expect(busy.rate('up') / alone).toBeGreaterThan(0.95);
    expect(Math.max(busy.peak, ...others.map(({ peak }) => peak))).toBeLessThanOrEqual(8 * MIB + 5 * WINDOW_FLOOR);
  }, 60_000);

  test('has a window of its own, although others hold all there is', () => {
    const windows = new MemoryBudget(8 * MIB);
    windows.take(8 * MIB);
    const busy = new Crowd({ idle: 0, windows });
    const roundTrip = 100;
    expect(busy.rate('up')).toBeGreaterThan((0.7 * INITIAL_WINDOW) / roundTrip);
    expect(busy.peak).toBeLessThanOrEqual(8 * MIB + WINDOW_FLOOR);
  });

  test('goes on at a window a round trip, when even that is held by idle ones of its own', () => {
    const windows = new MemoryBudget(0);
    const crowd = new Crowd({ idle: 50, windows });
    expect(crowd.rate('up')).toBeGreaterThan((0.7 * EARLY_WINDOW) / 100);
    expect(crowd.peak).toBeLessThanOrEqual(WINDOW_FLOOR);
  });
});
