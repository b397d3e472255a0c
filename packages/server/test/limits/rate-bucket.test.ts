import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateBucket } from '../../src/limits/rate-bucket.js';

/** Saves up a tenth of a second. */
const bucketOf = (rate: number) => new RateBucket(rate, rate / 10, 0);

/** What is to be waited once `bytes` were taken. */
function waitAfter(bucket: RateBucket, bytes: number, now: number): number {
  bucket.spend(bytes, now);
  return bucket.waitFor(now);
}

describe('a rate bucket', () => {
  test('without a rate asks for no pause', () => {
    const bucket = bucketOf(Number.POSITIVE_INFINITY);
    expect(waitAfter(bucket, 1e12, 0)).toBe(0);
  });

  test('asks for the time that what was taken costs', () => {
    const bucket = bucketOf(100_000);
    expect(waitAfter(bucket, 50_000, 0)).toBe(500);
    expect(waitAfter(bucket, 50_000, 0)).toBe(1_000);
    expect(bucket.waitFor(600)).toBe(400);
  });

  test('lets nobody save up more than its burst', () => {
    const bucket = bucketOf(1_000_000);
    expect(waitAfter(bucket, 1_100_000, 3_600_000)).toBe(1_000);
  });

  test('lets somebody save up more this time', () => {
    const bucket = bucketOf(1_000_000);
    bucket.spend(100_000, 0);
    expect(bucket.waitFor(500, 1_000_000)).toBe(0);
    expect(waitAfter(bucket, 500_000, 500)).toBe(100);
    expect(bucket.waitFor(10_000, 1_000_000)).toBe(0);
    expect(waitAfter(bucket, 1_100_000, 10_000)).toBe(100);
  });

  test('collects a debt at the new rate, and forgets it with the rate', () => {
    const bucket = bucketOf(100_000);
    bucket.spend(100_000, 0);
    bucket.setRate(1_000_000, 100_000, 500);
    expect(bucket.waitFor(500)).toBe(50);
    bucket.setRate(Number.POSITIVE_INFINITY, 0, 500);
    expect(waitAfter(bucket, 1e9, 500)).toBe(0);
    bucket.setRate(100_000, 10_000, 1_000);
    expect(waitAfter(bucket, 100_000, 1_000)).toBe(1_000);
  });

  test('holds its rate within 2 % over 5 s, no matter who takes how much, and however late they come back', () => {
    const channel = fc.record({
      chunk: fc.integer({ min: 1_000, max: 65_536 }),
      late: fc.integer({ min: 0, max: 20 }),
    });
    const rates = fc.integer({ min: 500_000, max: 50_000_000 });
    fc.assert(
      fc.property(rates, fc.array(channel, { minLength: 1, maxLength: 8 }), (rate, channels) => {
        const bucket = bucketOf(rate);
        const dueAt = channels.map(() => 0);
        let [warm, carried] = [0, 0];
        for (let now = 0; now < 6_000; now += 1) {
          channels.forEach(({ chunk, late }, i) => {
            // Each reads as fast as it may: until it is told to wait.
            while ((dueAt[i] ?? 0) <= now) {
              if (now < 1_000) warm += chunk;
              else carried += chunk;
              const wait = waitAfter(bucket, chunk, now);
              if (wait > 0) dueAt[i] = now + Math.ceil(wait) + late;
            }
          });
        }
        expect(warm).toBeGreaterThan(0);
        // One round of chunks may fall to either side of the edge.
        const edge = channels.reduce((sum, { chunk }) => sum + chunk, 0) + rate * 0.02;
        expect(Math.abs(carried - rate * 5)).toBeLessThan(rate * 5 * 0.02 + edge);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a bucket of what passes one by one', () => {
  test('never lets more through than the burst and the rate, at any times', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 50 }),
        steps,
        (perSecond, burst, gaps) => {
          const bucket = RateBucket.ofOnes(perSecond, burst);
          let [now, passed] = [0, 0];
          for (const gap of gaps) {
            now += gap;
            if (bucket.take(1, now)) passed += 1;
            expect(passed).toBeLessThanOrEqual(burst + (now * perSecond) / 1_000 + 1e-6);
          }
        },
      ),
    );
  });

  test('says to the millisecond when one more may pass', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 20 }), (perSecond, burst) => {
        const bucket = RateBucket.ofOnes(perSecond, burst);
        let now = 0;
        for (let i = 0; i < burst + 20; i++) {
          const wait = Math.ceil(bucket.waitFor(now));
          if (i < burst) expect(wait).toBe(0);
          if (wait > 1) expect(bucket.take(1, now + wait - 1)).toBe(false);
          now += wait;
          expect(bucket.take(1, now)).toBe(true);
        }
      }),
    );
  });
});
