import { expect, test } from 'vitest';
import { abortSignalOf, GivingUp } from '../../../src/dial/race/giving-up.js';
import { onAbort } from '../../../src/dial/race/on-abort.js';

test('anyone who has given up tells each listener once, with the first reason', () => {
  const giving = new GivingUp();
  const told: unknown[] = [];
  onAbort(giving, () => told.push('first', giving.reason));
  const forget = onAbort(giving, () => told.push('forgotten'));
  onAbort(giving, () => told.push('second'));
  forget();
  expect(giving.aborted).toBe(false);
  giving.abort('late');
  giving.abort('later');
  expect([giving.aborted, ...told]).toEqual([true, 'first', 'late', 'second']);
});

test('anyone who listens after that is told at once', () => {
  const giving = new GivingUp();
  giving.abort('late');
  let isTold = false;
  onAbort(giving, () => {
    isTold = true;
  });
  expect(isTold).toBe(true);
});

test('a signal of the platform follows it, and one that is of the platform stays the same', () => {
  const giving = new GivingUp();
  const signal = abortSignalOf(giving);
  expect(signal.aborted).toBe(false);
  giving.abort('late');
  expect([signal.aborted, signal.reason, abortSignalOf(giving).reason]).toEqual([true, 'late', 'late']);
  expect(abortSignalOf(signal)).toBe(signal);
});
