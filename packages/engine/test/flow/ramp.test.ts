import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ramp } from '../../src/flow/ramp.js';

const ROUND_TRIP = 100;

/** `rates` for a round trip each, bytes per ms, acknowledged every `step` ms. */
function arrivals(rates: readonly number[], step = 5): Ramp {
  const ramp = new Ramp();
  ramp.restart(0, 0);
  let [now, delivered] = [0, 0];
  for (const rate of rates) {
    for (let passed = 0; passed < ROUND_TRIP; passed += step) {
      now += step;
      delivered += rate * step;
      ramp.note(delivered, now, ROUND_TRIP);
    }
  }
  return ramp;
}

describe('Ramp', () => {
  test('tells the rate of the last round trip, and what it is of the one before', () => {
    const ramp = arrivals([100, 150]);
    expect(ramp.rate).toBeCloseTo(150, 0);
    expect(ramp.growth).toBeCloseTo(1.5, 1);
  });

  test('tells of no more growth than a TCP in slow start has', () => {
    expect(arrivals([100, 1_000]).growth).toBe(2);
  });

  test('knows of no growth before there were two round trips', () => {
    const ramp = arrivals([100]);
    expect([ramp.rate, ramp.growth]).toEqual([100, 1]);
  });

  test('counts what comes at once for the time since the one before it', () => {
    expect(arrivals([100, 100, 100, 100], 50).rate).toBe(100);
    const ramp = new Ramp();
    ramp.restart(0, 0);
    for (const now of [400, 800, 1_200]) ramp.note(now * 100, now, ROUND_TRIP);
    expect([ramp.rate, ramp.growth]).toEqual([100, 1]);
  });

  test('begins anew after a pause', () => {
    const ramp = arrivals([100, 100]);
    ramp.rest();
    ramp.restart(20_000, 10_000);
    ramp.note(70_000, 10_100, ROUND_TRIP);
    expect([ramp.rate, ramp.growth]).toEqual([500, 1]);
  });

  test('tells numbers that can be used, no matter what comes', () => {
    const step = fc.record({
      bytes: fc.nat(100_000),
      elapsed: fc.nat(300),
      roundTrip: fc.integer({ min: 1, max: 600 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ramp = new Ramp();
        let [now, delivered] = [0, 0];
        for (const { bytes, elapsed, roundTrip } of steps) {
          now += elapsed;
          delivered += bytes;
          ramp.note(delivered, now, roundTrip);
          expect(ramp.rate).toBeGreaterThanOrEqual(0);
          expect(ramp.rate).toBeLessThanOrEqual(delivered / roundTrip);
          expect(ramp.growth).toBeGreaterThanOrEqual(0);
          expect(ramp.growth).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});
