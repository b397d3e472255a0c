import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff } from '../../src/connector/backoff.js';

/** The pauses of `count` tries in a row, with jitter at `random`. */
function pauses(random: number, count: number, resuming: boolean): number[] {
  const backoff = new Backoff(() => random);
  let now = 0;
  return Array.from({ length: count }, () => {
    const pause = backoff.next(resuming, now);
    now += pause;
    return pause;
  });
}

describe('a pause', () => {
  test.each([
    {
      resuming: true,
      shortest: [0, 50, 100, 200, 400, 500, 500],
      longest: [200, 500, 1_000, 2_000, 4_000, 5_000, 5_000],
    },
    {
      resuming: false,
      shortest: [0, 50, 100, 200, 400, 800, 1_600, 3_000, 3_000],
      longest: [200, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
    },
  ])('grows from almost nothing to its bound (resuming: $resuming)', ({ resuming, shortest, longest }) => {
    expect(pauses(0, shortest.length, resuming)).toEqual(shortest);
    expect(pauses(1, longest.length, resuming)).toEqual(longest);
  });

  test('lies anywhere between its bounds, as chance has it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (random, resuming) => {
        const [first = 0, ...others] = pauses(random, 10, resuming);
        expect(first).toBeCloseTo(200 * random, 6);
        const last = resuming ? 5_000 : 30_000;
        expect(others.at(-1)).toBeCloseTo(last / 10 + random * last * 0.9, 6);
      }),
    );
  });

  test('is that of one failure for sessions that fail side by side', () => {
    const backoff = new Backoff(() => 1);
    expect([0, 10, 100].map((now) => backoff.next(true, now))).toEqual([200, 200, 200]);
    expect([200, 300, 699].map((now) => backoff.next(true, now))).toEqual([500, 500, 500]);
    expect(backoff.next(true, 700)).toBe(1_000);
  });

  test('does not overflow after very many tries', () => {
    expect(pauses(1, 5_000, false).at(-1)).toBe(30_000);
  });
});

describe('the first pause comes again', () => {
  const tired = (): Backoff => {
    const backoff = new Backoff(() => 1);
    for (let n = 0; n < 5; n++) backoff.next(true, n * 10_000);
    return backoff;
  };

  test('after a reset', () => {
    const backoff = tired();
    backoff.reset();
    expect(backoff.next(true, 50_000)).toBe(200);
  });

  test('after a connection that has outlived the last pause', () => {
    const backoff = tired();
    backoff.lived(4_001);
    expect(backoff.next(true, 50_000)).toBe(200);
  });

  test('but not after one that has not', () => {
    const backoff = tired();
    backoff.lived(4_000);
    expect(backoff.next(true, 50_000)).toBe(5_000);
  });
});
