import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChannelRates } from '../../src/status/channel-rates.js';
import type { ChannelStatus } from '../../src/tunnel/client-status.js';

function channel(id: number, bytesDown: number, ageMs = 1_000_000, open = true): ChannelStatus {
  return { id, target: 'example.org:443', kind: 'socks5', open, ageMs, bytesUp: 0, bytesDown };
}

describe('the rate of a channel', () => {
  test('counts from the first look at one that was there before', () => {
    const rates = new ChannelRates();
    rates.add(0, [channel(1, 1_000_000)]);
    expect(rates.of(channel(1, 0))).toMatchObject({ rateDown: 0, idle: false });
    rates.add(1_000, [channel(1, 1_000_500)]);
    expect(rates.of(channel(1, 0))).toMatchObject({ rateDown: 500 });
  });

  test('has all that a new one has brought, by the time since the last look', () => {
    const rates = new ChannelRates();
    rates.add(0, []);
    rates.add(1_000, [channel(1, 700, 10)]);
    expect(rates.of(channel(1, 0))).toMatchObject({ rateDown: 700 });
  });

  test('falls to 0 within seconds, and the channel is idle after ten', () => {
    const rates = new ChannelRates();
    for (const [n, bytes] of [0, 600, ...Array<number>(11).fill(600)].entries())
      rates.add(n * 1_000, [channel(1, bytes)]);
    expect([rates.of(channel(1, 0)), rates.idleCount]).toEqual([{ rateUp: 0, rateDown: 0, idle: true }, 1]);
    rates.add(13_000, [channel(1, 1_100)]);
    expect([rates.of(channel(1, 0)), rates.idleCount]).toEqual([{ rateUp: 0, rateDown: 500, idle: false }, 0]);
  });

  test('of one that is being dialled is never idle', () => {
    const rates = new ChannelRates();
    for (let n = 0; n < 20; n++) rates.add(n * 1_000, [channel(1, 0, 0, false)]);
    expect([rates.of(channel(1, 0, 0, false)).idle, rates.idleCount]).toEqual([false, 0]);
  });

  test('is forgotten with the channel', () => {
    const rates = new ChannelRates();
    rates.add(0, [channel(1, 0), channel(2, 0)]);
    rates.add(1_000, [channel(1, 100), channel(2, 100)]);
    rates.add(2_000, [channel(2, 200)]);
    expect([rates.of(channel(1, 0)), rates.of(channel(2, 0))]).toMatchObject([{ rateDown: 0 }, { rateDown: 100 }]);
  });

  test('adds up to what all of them have carried, no matter what moves when', () => {
    const pieces = fc.array(fc.array(fc.nat(1_000_000), { minLength: 3, maxLength: 3 }), {
      minLength: 2,
      maxLength: 25,
    });
    fc.assert(
      fc.property(pieces, (steps) => {
        const rates = new ChannelRates();
        const sums = [0, 0, 0];
        rates.add(
          0,
          sums.map((sum, id) => channel(id, sum)),
        );
        for (const [n, step] of steps.entries()) {
          step.forEach((piece, id) => {
            sums[id] = (sums[id] ?? 0) + piece;
          });
          rates.add(
            (n + 1) * 1_000,
            sums.map((sum, id) => channel(id, sum)),
          );
        }
        const recent = steps.slice(-5);
        for (const id of sums.keys()) {
          const carried = recent.reduce((sum, step) => sum + (step[id] ?? 0), 0);
          const { rateDown } = rates.of(channel(id, 0));
          expect(rateDown === 0).toBe(Math.round(carried / 5) === 0);
          if (steps.length >= 5 && recent.every((step) => (step[id] ?? 0) > 0))
            expect(rateDown).toBe(Math.round(carried / 5));
        }
      }),
    );
  });
});
