import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DialQueue } from '../../src/limits/dial-queue.js';

const LIMITS = { pendingDials: 2, opensPerSecond: 10, opensBurst: 3, dialTimeout: 1_000 };

function queueWith(limits: Partial<typeof LIMITS> = {}): DialQueue<string> {
  return new DialQueue({ ...LIMITS, ...limits });
}

/** All whose turn it is. */
function takeAll(queue: DialQueue<string>, now: number): string[] {
  const taken: string[] = [];
  for (let one = queue.takeNext(now); one !== undefined; one = queue.takeNext(now)) taken.push(one);
  return taken;
}

describe('a queue of dials', () => {
  test('gives turns in the order of arrival, as many as may be dialled at a time', () => {
    const queue = queueWith();
    for (const one of ['a', 'b', 'c']) queue.add(one, 0);
    expect(takeAll(queue, 0)).toEqual(['a', 'b']);
    expect(queue.obstacle(0)).toBe('pendingDials');
    queue.dialEnded();
    expect(takeAll(queue, 0)).toEqual(['c']);
    expect(queue.length).toBe(0);
  });

  test('gives further turns as the rate allows, once the burst is used up', () => {
    const queue = queueWith({ pendingDials: 100 });
    for (const one of 'abcde') queue.add(one, 0);
    expect(takeAll(queue, 0)).toEqual(['a', 'b', 'c']);
    expect(queue.obstacle(0)).toBe('opensPerSecond');
    expect(queue.wakeIn(0)).toBe(100);
    expect(takeAll(queue, 99)).toEqual([]);
    expect(takeAll(queue, 100)).toEqual(['d']);
  });

  test('forgets those who leave, whose turn costs the others nothing', () => {
    const queue = queueWith({ opensBurst: 1 });
    for (const one of 'abc') queue.add(one, 0);
    expect(takeAll(queue, 0)).toEqual(['a']);
    queue.remove('b');
    expect(takeAll(queue, 100)).toEqual(['c']);
    expect(queue.wakeIn(100)).toBeUndefined();
  });

  test('hands out those who have waited as long as a dial may take, and never dials them', () => {
    const queue = queueWith({ pendingDials: 1 });
    queue.add('a', 0);
    takeAll(queue, 0);
    queue.add('b', 0);
    queue.add('c', 400);
    expect(queue.wakeIn(400)).toBe(600);
    expect([queue.takeLate(999), queue.takeLate(1_000), queue.takeLate(1_000)]).toEqual([undefined, 'b', undefined]);
    queue.dialEnded();
    expect(takeAll(queue, 1_000)).toEqual(['c']);
  });

  test('serves everyone in order, within its limits, when it is looked at as often as it asks for', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 100 });
    const limits = fc.record({
      pendingDials: fc.integer({ min: 1, max: 5 }),
      opensPerSecond: fc.integer({ min: 1, max: 500 }),
      opensBurst: fc.integer({ min: 1, max: 10 }),
    });
    fc.assert(
      fc.property(limits, gaps, fc.integer({ min: 1, max: 80 }), (some, arrivals, dialTime) => {
        const queue = new DialQueue<number>({ ...some, dialTimeout: Number.MAX_SAFE_INTEGER });
        const [order, ends]: [number[], number[]] = [[], []];
        let next = 0;
        let arrival = arrivals[0] ?? 0;
        for (let now = 0; order.length < arrivals.length; ) {
          while (next < arrivals.length && arrival <= now) {
            queue.add(next, now);
            next += 1;
            arrival += arrivals[next] ?? 0;
          }
          while ((ends[0] ?? Infinity) <= now) {
            ends.shift();
            queue.dialEnded();
          }
          for (let one = queue.takeNext(now); one !== undefined; one = queue.takeNext(now)) {
            order.push(one);
            ends.push(now + dialTime);
          }
          expect(ends.length).toBeLessThanOrEqual(some.pendingDials);
          expect(order.length).toBeLessThanOrEqual(some.opensBurst + (now * some.opensPerSecond) / 1_000 + 1e-6);
          const wake = now + (queue.wakeIn(now) ?? Infinity);
          now = Math.max(now, Math.min(wake, ends[0] ?? Infinity, next < arrivals.length ? arrival : Infinity));
        }
        expect(order).toEqual(arrivals.map((_, i) => i));
      }),
    );
  });
});
