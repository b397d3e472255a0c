import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoDel } from '../../src/datagram/codel.js';

const MUCH = 100_000;

/** When datagrams are dropped that leave every `pause` ms after they have waited for `wait`. */
function drops(codel: CoDel, wait: number, pause: number, from: number, to: number): number[] {
  const times: number[] = [];
  for (let now = from; now < to; now += pause) if (codel.drops(wait, MUCH, now)) times.push(now - from);
  return times;
}

test('a short wait drops nothing, for however long', () => {
  expect(drops(new CoDel(), 19, 1, 0, 10_000)).toEqual([]);
});

test('a long wait drops nothing for 100 ms: a burst passes', () => {
  expect(drops(new CoDel(), 400, 1, 0, 100)).toEqual([]);
});

test('a queue that stands is shortened, more and more often (RFC 8289 section 5.3)', () => {
  const times = drops(new CoDel(), 30, 1, 0, 500);
  expect(times.slice(0, 4)).toEqual([100, 200, 271, 329]);
});

test('one short wait ends it, and the next burst passes again', () => {
  const codel = new CoDel();
  drops(codel, 30, 1, 0, 1_000);
  expect(codel.drops(10, MUCH, 1_000)).toBe(false);
  expect(drops(codel, 30, 1, 1_001, 1_101)).toEqual([]);
});

test('dropping goes on where it was, when it was needed a moment ago, and begins anew later', () => {
  const gaps = (rest: number): number => {
    const codel = new CoDel();
    drops(codel, 30, 1, 0, 3_000);
    codel.drops(0, MUCH, 3_000);
    const [first = 0, second = 0] = drops(codel, 30, 1, 3_000 + rest, 6_000 + rest);
    return second - first;
  };
  expect(gaps(100)).toBeLessThan(50);
  expect(gaps(5_000)).toBe(100);
});

test('what has next to nothing behind it is never dropped', () => {
  const codel = new CoDel();
  for (let now = 0; now < 2_000; now++) expect(codel.drops(400, 1_500, now)).toBe(false);
});

test('nothing is ever dropped that has waited for less than the target', () => {
  const step = fc.record({ wait: fc.nat(200), left: fc.nat(5_000), pause: fc.nat(150) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const codel = new CoDel();
      let now = 0;
      for (const { wait, left, pause } of steps) {
        now += pause;
        if (codel.drops(wait, left, now)) expect([wait >= 20, left > 1_500]).toEqual([true, true]);
      }
    }),
  );
});
