import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOOKS, Meter } from '../../src/status/meter.js';

function rateOf(...looks: readonly (readonly [now: number, up: number, down: number])[]) {
  const meter = new Meter();
  for (const look of looks) meter.add(...look);
  return meter.rates;
}

describe('the rate of a count', () => {
  test('is not known before it was looked at twice', () => {
    expect([rateOf(), rateOf([5, 10, 20])]).toEqual(Array(2).fill({ rateUp: 0, rateDown: 0 }));
  });

  test('is what has come by the time that has really passed', () => {
    expect(rateOf([500, 0, 0], [2_500, 10, 3_000])).toEqual({ rateUp: 5, rateDown: 1_500 });
  });

  test('is the mean of the last five seconds, no matter what comes in which of them', () => {
    const counts = [0, 0, 0, 50_000, 50_000, 50_000].map((count, n) => [n * 1_000, 0, count] as const);
    expect(rateOf(...counts).rateDown).toBe(10_000);
  });

  test('is 0 exactly when nothing has moved for that long', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 30), { minLength: LOOKS, maxLength: 20 }), (pieces) => {
        const meter = new Meter();
        let sum = 0;
        for (const [n, piece] of pieces.entries()) {
          sum += piece;
          meter.add(n * 1_000, 0, sum);
        }
        const recent = pieces.slice(-(LOOKS - 1)).reduce((all, piece) => all + piece, 0);
        expect(meter.rates.rateDown).toBe(Math.round(recent / (LOOKS - 1)));
      }),
    );
  });
});
