import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { zeros } from '../../src/bytes.js';
import { ByteQueue } from '../../src/channel/byte-queue.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';

const steps = fc.array(
  fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ take: fc.oneof(fc.integer({ min: -1, max: 600 }), fc.double({ min: 1, max: 600, noNaN: true })) }),
    { weight: 1, arbitrary: fc.constant('clear' as const) },
    { weight: 1, arbitrary: fc.constant('rest' as const) },
  ),
  { maxLength: 100 },
);

test('gives the bytes in their order, never more than asked for, never an empty slice', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const budgets = [new MemoryBudget(0), new MemoryBudget(1e6)] as const;
      const queue = new ByteQueue(newMemory(), budgets[0]);
      let [pushed, taken] = [0, 0];
      for (const step of all) {
        if (step === 'clear') {
          queue.clear();
          taken = pushed;
        } else if (step === 'rest') {
          queue.rest();
        } else if ('push' in step) {
          queue.push(pattern(1, pushed, step.push));
          pushed += step.push;
        } else {
          const slice = queue.take(step.take);
          expect(slice === undefined).toBe(step.take <= 0 || taken === pushed);
          if (slice === undefined) continue;
          expect(slice.length).toBeGreaterThan(0);
          expect(slice.length).toBeLessThanOrEqual(step.take);
          expect(isEqual(slice, pattern(1, taken, slice.length))).toBe(true);
          taken += slice.length;
        }
        expect(queue.length).toBe(pushed - taken);
        expect(budgets.map(({ reserved }) => reserved)).toEqual([pushed - taken, 0]);
      }
      queue.moveTo(budgets[1]);
      expect(budgets.map(({ reserved }) => reserved)).toEqual([0, pushed - taken]);
      queue.clear();
      expect(budgets[1].reserved).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('a provisional one gives again what was taken, until it is committed', () => {
  const change = fc.oneof(steps, fc.constant('rewind' as const));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 10 }), (all) => {
      const budget = new MemoryBudget(0);
      const queue = new ByteQueue(newMemory(), budget, true);
      let [pushed, taken] = [0, 0];
      for (const step of all.flat()) {
        if (step === 'clear') continue;
        if (step === 'rewind') {
          queue.rewind();
          taken = 0;
        } else if (step === 'rest') {
          queue.rest();
        } else if ('push' in step) {
          queue.push(pattern(1, pushed, step.push));
          pushed += step.push;
        } else {
          const slice = queue.take(step.take);
          if (slice === undefined) continue;
          expect(isEqual(slice, pattern(1, taken, slice.length))).toBe(true);
          taken += slice.length;
        }
        expect(queue.length).toBe(pushed - taken);
      }
      queue.commit();
      const { length } = queue;
      queue.rewind();
      expect([queue.length, budget.reserved]).toEqual([length, length]);
    }),
  );
});

test('copies nothing', () => {
  const queue = new ByteQueue(newMemory(), new MemoryBudget(0));
  const chunk = zeros(100);
  queue.push(chunk);
  expect(queue.take(60)?.buffer).toBe(chunk.buffer);
  expect(queue.take(60)).toHaveLength(40);
  queue.push(chunk);
  expect(queue.take(100)).toBe(chunk);
});
