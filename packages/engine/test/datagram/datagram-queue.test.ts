import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { zeros } from '../../src/bytes.js';
import { DatagramQueue } from '../../src/datagram/datagram-queue.js';
import { DatagramStore } from '../../src/datagram/datagram-store.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';

/** What one datagram holds beside its bytes. */
const OVERHEAD = 256;
const OF_QUEUE = 262_144;
const OF_SESSION = 2_097_152;

function queue(store: DatagramStore = new DatagramStore()): {
  one: DatagramQueue;
  dropped: { full: number; late: number };
} {
  const dropped = { full: 0, late: 0 };
  const one = new DatagramQueue(store, (why) => {
    dropped[why] += 1;
  });
  return { one, dropped };
}

describe('a queue', () => {
  test('gives what was put in, in its order', () => {
    const { one } = queue();
    const payloads = Array.from({ length: 300 }, (_, n) => zeros(n));
    for (const payload of payloads) one.push(payload, 0);
    expect(payloads.map(() => one.take(10))).toEqual(payloads);
    expect([one.take(10), one.isEmpty, one.bytes]).toEqual([undefined, true, 0]);
  });

  test('gives nothing that has waited for more than 500 ms', () => {
    const { one, dropped } = queue();
    one.push(zeros(1), 0);
    one.push(zeros(2), 1);
    expect(one.take(501)).toHaveLength(2);
    one.push(zeros(3), 600);
    one.push(zeros(4), 1_200);
    expect([one.bytes, dropped]).toEqual([4 + OVERHEAD, { full: 0, late: 2 }]);
  });

  test('drops the oldest for the newest when it is full', () => {
    const { one, dropped } = queue();
    const length = 1_000;
    const fits = Math.floor(OF_QUEUE / (length + OVERHEAD));
    for (let n = 0; n < fits + 10; n++) one.push(zeros(length).fill(n), 0);
    expect([dropped, one.bytes]).toEqual([{ full: 10, late: 0 }, fits * (length + OVERHEAD)]);
    expect(one.take(0)?.[0]).toBe(10);
  });

  test('lets go of everything when it is cleared', () => {
    const store = new DatagramStore();
    const { one } = queue(store);
    for (let n = 0; n < 100; n++) one.push(zeros(100), 0);
    one.clear();
    expect([one.isEmpty, one.bytes, store.bytes]).toEqual([true, 0, 0]);
  });

  test('counts in another store once it has moved there', () => {
    const [store, next] = [new DatagramStore(), new DatagramStore()];
    const { one } = queue(store);
    one.push(zeros(50), 0);
    one.moveTo(next);
    expect([store.bytes, next.bytes]).toEqual([0, 50 + OVERHEAD]);
    one.take(0);
    expect(next.bytes).toBe(0);
  });
});

describe('the store of a session', () => {
  test('takes the place for a new datagram from the longest queue', () => {
    const store = new DatagramStore();
    const queues = Array.from({ length: 9 }, () => queue(store));
    for (const { one } of queues.slice(0, 8)) for (let n = 0; n < 4; n++) one.push(zeros(65_536 - OVERHEAD), 0);
    expect(store.bytes).toBe(OF_SESSION);
    const [longest] = queues;
    const small = queues[8];
    small?.one.push(zeros(10), 0);
    expect([longest?.dropped.full, small?.dropped.full]).toEqual([1, 0]);
    expect(store.bytes).toBeLessThanOrEqual(OF_SESSION);
  });

  test('drops what is new where the process has no memory left, but for a little', () => {
    const process = new MemoryBudget(1_000);
    process.take(1_000);
    const { one, dropped } = queue(new DatagramStore(process));
    for (let n = 0; n < 200; n++) one.push(zeros(100), 0);
    expect([one.bytes, dropped]).toEqual([23 * (100 + OVERHEAD), { full: 177, late: 0 }]);
    one.clear();
    expect(process.reserved).toBe(1_000);
  });
});

test('no matter what is done, bounds hold, counts are right, and what comes out went in, in order and in time', () => {
  const step = fc.record({ queue: fc.nat(3), length: fc.nat(60_000), pause: fc.nat(40), takes: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const process = new MemoryBudget(700_000);
      const store = new DatagramStore(process);
      const queues = Array.from({ length: 4 }, () => ({ ...queue(store), last: -1, put: 0, taken: 0 }));
      const since = new Map<Uint8Array, { at: number; number: number }>();
      let now = 0;
      for (const [number, { queue: which, length, pause, takes }] of steps.entries()) {
        now += pause;
        const holder = queues[which] as (typeof queues)[number];
        const payload = zeros(length);
        since.set(payload, { at: now, number });
        holder.one.push(payload, now);
        holder.put += 1;
        for (let n = 0; n < takes; n++) {
          const taken = holder.one.take(now);
          if (taken === undefined) break;
          const { at, number: its } = since.get(taken) ?? { at: -1, number: -1 };
          expect(its).toBeGreaterThan(holder.last);
          expect(now - at).toBeLessThanOrEqual(500);
          holder.last = its;
          holder.taken += 1;
        }
        const sum = queues.reduce((bytes, { one }) => bytes + one.bytes, 0);
        expect([store.bytes, process.reserved]).toEqual([sum, sum]);
        for (const { one } of queues) expect(one.bytes).toBeLessThanOrEqual(OF_QUEUE);
        expect(sum).toBeLessThanOrEqual(700_000);
      }
      for (const { one, put, taken, dropped } of queues) {
        let left = 0;
        while (one.take(now) !== undefined) left += 1;
        expect(put).toBe(taken + left + dropped.full + dropped.late);
        expect(one.bytes).toBe(0);
      }
    }),
  );
});
