import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryBudget } from '../../src/flow/memory-budget.js';

test('gives no more than there is room for, in itself and in the budget around it', () => {
  const whole = new MemoryBudget(100);
  const [first, second] = [new MemoryBudget(80, whole), new MemoryBudget(80, whole)];
  expect(first.reserve(81)).toBe(false);
  expect(first.reserve(70)).toBe(true);
  expect(second.room).toBe(30);
  expect(second.reserve(31)).toBe(false);
  expect(second.reserve(30)).toBe(true);
  expect([whole.room, first.room, second.room]).toEqual([0, 0, 0]);
  first.release(50);
  expect([whole.room, first.room, second.room]).toEqual([50, 50, 50]);
});

test('has no room, not less than none, while more is held than its limit', () => {
  const budget = new MemoryBudget(10);
  budget.take(25);
  expect([budget.reserved, budget.room]).toEqual([25, 0]);
  budget.release(20);
  expect([budget.reserved, budget.room]).toEqual([5, 5]);
});

test('what is reserved by all parts is reserved in the whole', () => {
  const calls = fc.array(fc.tuple(fc.nat(2), fc.nat(40), fc.boolean()));
  fc.assert(
    fc.property(calls, (all) => {
      const whole = new MemoryBudget(100);
      const parts = [0, 1, 2].map(() => new MemoryBudget(50, whole));
      for (const [index, bytes, release] of all) {
        const part = parts[index] ?? whole;
        if (release) part.release(Math.min(bytes, part.reserved));
        else part.reserve(bytes);
        expect(whole.reserved).toBe(parts.reduce((sum, { reserved }) => sum + reserved, 0));
        expect(whole.reserved).toBeLessThanOrEqual(100);
        expect(part.reserved).toBeLessThanOrEqual(50);
      }
    }),
  );
});

test('has room for a beginning in its first half, and in that of the budget around it', () => {
  const whole = new MemoryBudget(100);
  const [first, second] = [new MemoryBudget(80, whole), new MemoryBudget(80, whole)];
  expect(first.initialRoom).toBe(40);
  first.take(30);
  expect([first.initialRoom, second.initialRoom]).toEqual([10, 20]);
  second.take(30);
  expect([whole.initialRoom, first.initialRoom, second.initialRoom, second.room]).toEqual([0, 0, 0, 40]);
});

test('has its floor, also for a beginning, no matter what others hold', () => {
  const whole = new MemoryBudget(100);
  whole.take(100);
  const part = new MemoryBudget(80, whole, 20);
  expect([part.room, part.initialRoom]).toEqual([20, 20]);
  part.take(15);
  expect([part.room, part.initialRoom]).toEqual([5, 5]);
});

test('tells when more is given back than was taken', () => {
  expect(() => new MemoryBudget(10).release(1)).toThrow('more is given back');
});
