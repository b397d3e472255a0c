import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from 'wsproxy-test-support/engine/random';
import { Swing } from '../../src/flow/swing.js';

interface Situation {
  /** The round trip of what is sent with so much in flight, ms. */
  readonly roundTrip: (inFlight: number, now: number) => number;
  /** What is really in flight of what may be, bytes. */
  readonly taken?: (cap: number) => number;
  /** Bytes that come in the other way for each that is acknowledged. */
  readonly received?: number;
  readonly lowest?: number;
}

/** Rounds of eight acknowledgements each, for `duration` ms. */
function run(swing: Swing, duration: number, situation: Situation, start = 0): number {
  const { roundTrip, taken = (cap) => cap, received = 0, lowest = 50 } = situation;
  let now = start;
  while (now < start + duration) {
    const inFlight = taken(swing.cap);
    let longest = 1;
    for (let n = 0; n < 8; n++) {
      const sample = roundTrip(inFlight, now);
      longest = Math.max(longest, sample);
      swing.onDelivered(inFlight / 8, sample, inFlight);
      swing.onReceived((inFlight / 8) * received);
    }
    now += longest;
    swing.endRound(now, lowest, false);
  }
  return now;
}

/** A path of 50 ms that carries 2 000 bytes per ms: it holds 100 000. What is beyond waits in a queue of ours. */
const PIPE = 100_000;
const full = (inFlight: number): number => Math.max(50, inFlight / 2_000);
/** 50 ms or 150, for others' reasons: what we add is not felt, as long as there is room. */
const foreign = (inFlight: number): number => Math.max(150, inFlight / 2_000);

describe('the window', () => {
  test.each([
    ['far too small', 8_000],
    ['twice too large', 200_000],
    ['right', PIPE],
  ])('becomes what fills the path when it is %s', (_what, first) => {
    const swing = new Swing(first, 0);
    run(swing, 20_000, { roundTrip: full });
    const caps = [swing.cap];
    const taken = (cap: number): number => {
      caps.push(cap);
      return cap;
    };
    run(swing, 2_000, { roundTrip: full, taken }, 20_000);
    expect(Math.min(...caps)).toBeGreaterThan(0.85 * PIPE);
    expect(Math.max(...caps)).toBeLessThan(1.45 * PIPE);
  });

  test('grows on a path whose round trips are long for reasons of others', () => {
    const swing = new Swing(PIPE, 0);
    run(swing, 20_000, { roundTrip: foreign });
    expect(swing.cap).toBeGreaterThan(2.5 * PIPE);
  });

  test('shrinks again when the others are gone', () => {
    const swing = new Swing(PIPE, 0);
    const now = run(swing, 20_000, { roundTrip: foreign });
    run(swing, 20_000, { roundTrip: full }, now);
    expect(swing.cap).toBeLessThan(1.45 * PIPE);
  });

  test('is found by nine of ten though round trips vary by half as much again at random, and by none far too large', () => {
    fc.assert(
      fc.property(fc.nat(), (first) => {
        const caps = Array.from({ length: 40 }, (_, i) => {
          const random = new Random(first + i);
          const swing = new Swing(PIPE / 2, first + i);
          const uneven = (inFlight: number): number => Math.max(50 + 25 * random.next(), inFlight / 2_000);
          run(swing, 20_000, { roundTrip: uneven });
          return swing.cap / PIPE;
        });
        expect(caps.filter((cap) => cap > 0.75 && cap < 2).length).toBeGreaterThanOrEqual(36);
        expect(Math.max(...caps)).toBeLessThan(5);
      }),
      { numRuns: 3 },
    );
  });

  test('is not moved by what grows or shrinks by itself', () => {
    const [still, drifting] = [new Swing(PIPE, 0), new Swing(PIPE, 0)];
    run(still, 3_000, { roundTrip: full });
    run(drifting, 3_000, { roundTrip: (inFlight, now) => full(inFlight) * Math.exp(now / 10_000) });
    expect(drifting.cap / still.cap).toBeGreaterThan(0.8);
    expect(drifting.cap / still.cap).toBeLessThan(1.25);
  });

  test('is content with less where the other direction carries as much', () => {
    const [alone, both] = [new Swing(PIPE, 0), new Swing(PIPE, 0)];
    run(alone, 20_000, { roundTrip: full });
    run(both, 20_000, { roundTrip: full, received: 1 });
    expect(both.cap).toBeLessThan(alone.cap);
    expect(both.cap).toBeGreaterThan(0.7 * PIPE);
  });

  test('comes down to what the system takes', () => {
    const swing = new Swing(10 * PIPE, 0);
    run(swing, 3_000, { roundTrip: () => 80, taken: (cap) => Math.min(cap, PIPE) });
    expect(swing.cap).toBeLessThan(1.4 * PIPE);
  });

  test('does not move while the source has no more', () => {
    const swing = new Swing(PIPE, 0);
    for (let now = 0; now < 5_000; now += 50) {
      for (let n = 0; n < 8; n++) swing.onDelivered(1_000, 50, 8_000);
      swing.endRound(now, 50, true);
    }
    expect(swing.cap).toBe(PIPE);
  });

  test('leaves room for a few frames on the slowest path', () => {
    const swing = new Swing(10_000, 0);
    run(swing, 600_000, { roundTrip: (inFlight) => Math.max(50, inFlight / 2) });
    expect(swing.cap).toBeLessThanOrEqual(1.3 * 4_096);
  });

  test('takes nothing from round trips of no length', () => {
    const swing = new Swing(PIPE, 0);
    run(swing, 1_000, { roundTrip: () => 0, lowest: 0 });
    expect(swing.cap).toBeGreaterThanOrEqual(PIPE);
    expect(swing.cap).toBeLessThanOrEqual(1.3 * PIPE);
  });
});

describe('the lower end', () => {
  test('is the window where round trips are short, and below it where they are long', () => {
    const lows = [50, 100, 200].map((roundTrip) => {
      const swing = new Swing(PIPE, 0);
      const caps: number[] = [];
      run(swing, 2_000, {
        roundTrip: (inFlight) => {
          caps.push(inFlight);
          return roundTrip * Math.min(1, inFlight / PIPE);
        },
      });
      return Math.min(...caps) / PIPE;
    });
    expect(lows[0]).toBe(1);
    expect(lows[1]).toBeLessThan(0.9);
    expect(lows[2]).toBeCloseTo(1 / 1.3);
  });
});
