import { expect, test } from 'vitest';
import { WatchedBudget } from '../../src/limits/watched-budget.js';

test('memory tells when it is used up, and again only after half of it was free', () => {
  let told = 0;
  const budget = new WatchedBudget(100, () => {
    told += 1;
  });
  budget.take(99);
  expect(told).toBe(0);
  budget.take(1);
  budget.release(40);
  budget.take(60);
  expect(told).toBe(1);
  budget.release(70);
  budget.take(50);
  expect(told).toBe(2);
});

test('the memory of a session counts for the whole, which tells for itself', () => {
  const told: string[] = [];
  const whole = new WatchedBudget(100, () => told.push('whole'));
  const [first, second] = ['first', 'second'].map((name) => new WatchedBudget(60, () => told.push(name), whole));
  first?.take(60);
  expect([first?.room, second?.room, told]).toEqual([0, 40, ['first']]);
  second?.take(40);
  expect([second?.room, told]).toEqual([0, ['first', 'whole']]);
  first?.release(60);
  expect(second?.room).toBe(20);
});
