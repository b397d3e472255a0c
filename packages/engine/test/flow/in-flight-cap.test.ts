import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InFlightCap } from '../../src/flow/in-flight-cap.js';
import { RecentMax } from '../../src/flow/recent-max.js';
import { RoundTrip } from '../../src/flow/round-trip.js';

/** A path that carries `rate` bytes per ms, one way in half of `roundTrip` ms, with an endless source. */
function transfer(
  cap: InFlightCap,
  { rate, roundTrip, duration }: Record<string, number>,
): { sent: number; most: number } {
  const [perMs = 0, delay = 0] = [rate, roundTrip];
  const arriving: { at: number; bytes: number }[] = [];
  let [free, sent, most] = [0, 0, 0];
  for (let now = 0; now < (duration ?? 0); now++) {
    while (arriving[0] !== undefined && arriving[0].at <= now) cap.onDelivered(arriving.shift()?.bytes ?? 0, now);
    while (cap.inFlight < cap.cap) {
      const bytes = 8_192;
      free = Math.max(free, now) + bytes / perMs;
      cap.onSent(bytes, now);
      arriving.push({ at: free + delay, bytes });
      sent += bytes;
    }
    most = Math.max(most, cap.inFlight);
  }
  return { sent, most };
}

describe('InFlightCap', () => {
  test.each([
    { rate: 2_500, roundTrip: 50 },
    { rate: 25_000, roundTrip: 100 },
    { rate: 125, roundTrip: 20 },
    { rate: 1_000, roundTrip: 300 },
  ])('fills a path of $rate bytes per ms and $roundTrip ms, with little more than it holds', ({ rate, roundTrip }) => {
    const cap = new InFlightCap(new RoundTrip());
    transfer(cap, { rate, roundTrip, duration: 60 * roundTrip });
    const late = transfer(cap, { rate, roundTrip, duration: 0 });
    expect(late.sent).toBe(0);
    const pipe = rate * roundTrip;
    expect(cap.cap).toBeGreaterThan(pipe * 0.9);
    expect(cap.cap).toBeLessThan(Math.max(pipe * 1.6, 40_000));
  });

  test('counts what is in flight, no matter what happens, and always leaves room for something', () => {
    const step = fc.record({
      send: fc.nat(100_000),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      elapsed: fc.nat(3_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const cap = new InFlightCap(new RoundTrip());
        let [now, flying] = [0, 0];
        for (const { send, share, elapsed } of steps) {
          now += elapsed;
          if (send > 0) cap.onSent(send, now);
          flying += send;
          const delivered = Math.floor(flying * share);
          now += elapsed % 7;
          if (delivered > 0) cap.onDelivered(delivered, now);
          flying -= delivered;
          expect(cap.inFlight).toBe(flying);
          expect(cap.cap).toBeGreaterThanOrEqual(4_096);
          expect(Number.isFinite(cap.cap)).toBe(true);
        }
      }),
    );
  });
});

describe('beside a TCP in slow start', () => {
  /** What a TCP, that doubles its window in each round trip from ten segments on, has to wait for in all until it has sent `total`, ms. */
  function timeToSend(total: number, roundTrip: number): number {
    const cap = new InFlightCap(new RoundTrip());
    const arriving: { at: number; bytes: number }[] = [];
    let [window, given, sent, delivered] = [14_480, 0, 0, 0];
    for (let now = 0; ; now++) {
      while (arriving[0] !== undefined && arriving[0].at <= now) {
        const { bytes } = arriving.shift() ?? { bytes: 0 };
        delivered += bytes;
        window += bytes;
        cap.onDelivered(bytes, now);
      }
      if (delivered >= total) return now;
      for (let room = cap.cap - cap.inFlight; room >= 1_448; room = cap.cap - cap.inFlight) {
        cap.onSent(1_448, now);
        given += 1_448;
      }
      for (; sent < given && sent - delivered < window; sent += 1_448)
        arriving.push({ at: now + roundTrip, bytes: 1_448 });
    }
  }

  test('never holds it up: what it has not taken yet is no reason to think that the path is slow', () => {
    // Ten segments, twenty, forty, ... : the sixth flight brings the last of 600 KiB.
    expect(timeToSend(614_400, 100)).toBeLessThan(620);
  });
});

test('RecentMax is the largest value of the last rounds', () => {
  const value = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(
      fc.array(fc.array(value), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 6 }),
      (rounds, length) => {
        const max = new RecentMax(length);
        rounds.forEach((values, index) => {
          if (index > 0) max.nextRound();
          for (const one of values) max.add(one);
          expect(max.value).toBe(Math.max(0, ...rounds.slice(Math.max(0, index - length + 1), index + 1).flat()));
        });
      },
    ),
  );
});
