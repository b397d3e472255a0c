import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OpenBucket } from '../../src/limits/open-bucket.js';

describe('a bucket of opens', () => {
  test('never lets more through than the burst and the rate, at whatever times', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 50 }),
        steps,
        (perSecond, burst, gaps) => {
          const bucket = new OpenBucket(perSecond, burst, 0);
          let [now, passed] = [0, 0];
          for (const gap of gaps) {
            now += gap;
            if (bucket.take(now)) passed += 1;
            expect(passed).toBeLessThanOrEqual(burst + (now * perSecond) / 1_000 + 1e-6);
          }
        },
      ),
    );
  });

  test('says to the millisecond when one more may pass', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 20 }), (perSecond, burst) => {
        const bucket = new OpenBucket(perSecond, burst, 0);
        let now = 0;
        for (let i = 0; i < burst + 20; i++) {
          const wait = bucket.waitFor(now);
          if (i < burst) expect(wait).toBe(0);
          if (wait > 1) expect(bucket.take(now + wait - 1)).toBe(false);
          now += wait;
          expect(bucket.take(now)).toBe(true);
        }
      }),
    );
  });
});
