import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateBucket } from '../../src/limits/rate-bucket.js';

/** What is to be waited once `bytes` were taken. */
function waitAfter(bucket: RateBucket, bytes: number, now: number): number {
  bucket.spend(bytes, now);
  return bucket.waitFor(now);
}

describe('a rate bucket', () => {
  test('without a rate asks for no pause', () => {
    const bucket = new RateBucket(undefined, 0);
    expect(waitAfter(bucket, 1e12, 0)).toBe(0);
  });

  test('asks for the time that what was taken costs', () => {
    const bucket = new RateBucket(100_000, 0);
    expect(waitAfter(bucket, 50_000, 0)).toBe(500);
    expect(waitAfter(bucket, 50_000, 0)).toBe(1_000);
    expect(bucket.waitFor(600)).toBe(400);
  });

  test('forgives what is not worth a timer, and collects it later', () => {
    const bucket = new RateBucket(1_000_000, 0);
    expect(waitAfter(bucket, 4_000, 0)).toBe(0);
    expect(waitAfter(bucket, 4_000, 0)).toBe(8);
  });

  test('lets nobody save up more than a tenth of a second', () => {
    const bucket = new RateBucket(1_000_000, 0);
    expect(waitAfter(bucket, 1_100_000, 3_600_000)).toBe(1_000);
  });

  test('forgives a timer that is late while somebody waits, up to a second', () => {
    const bucket = new RateBucket(1_000_000, 0);
    bucket.spend(100_000, 0);
    expect(bucket.waitFor(500, true)).toBe(0);
    expect(waitAfter(bucket, 500_000, 500)).toBe(100);
    expect(bucket.waitFor(10_000, true)).toBe(0);
    expect(waitAfter(bucket, 1_100_000, 10_000)).toBe(100);
  });

  test('collects a debt at the new rate, and forgets it with the rate', () => {
    const bucket = new RateBucket(100_000, 0);
    bucket.spend(100_000, 0);
    bucket.setRate(1_000_000, 500);
    expect(bucket.waitFor(500)).toBe(50);
    bucket.setRate(undefined, 500);
    expect(waitAfter(bucket, 1e9, 500)).toBe(0);
    bucket.setRate(100_000, 1_000);
    expect(waitAfter(bucket, 100_000, 1_000)).toBe(1_000);
  });

  test('holds its rate within 2 % over 5 s, whoever takes how much, and however late they come back', () => {
    const channel = fc.record({
      chunk: fc.integer({ min: 1_000, max: 65_536 }),
      late: fc.integer({ min: 0, max: 20 }),
    });
    const rates = fc.integer({ min: 500_000, max: 50_000_000 });
    fc.assert(
      fc.property(rates, fc.array(channel, { minLength: 1, maxLength: 8 }), (rate, channels) => {
        const bucket = new RateBucket(rate, 0);
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
