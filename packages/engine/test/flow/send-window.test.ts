import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SendWindow } from '../../src/flow/send-window.js';

test('the highest limit told so far counts, no matter what the order', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(fc.nat(100_000)), (initial, limits) => {
      const window = new SendWindow(initial);
      for (const limit of limits) window.raise(limit);
      expect(window.credit).toBe(Math.max(initial, ...limits));
    }),
  );
});

test('what was spent is counted once and for all', () => {
  const window = new SendWindow(100);
  window.spend(60);
  expect([window.sent, window.credit]).toEqual([60, 40]);
  window.raise(90);
  expect(window.credit).toBe(40);
  window.raise(150);
  expect(window.credit).toBe(90);
  window.spend(90);
  expect([window.sent, window.credit]).toEqual([150, 0]);
});

test('an early limit holds until the peer has answered, no matter what it tells before; then all of that counts', () => {
  const window = new SendWindow(100, true);
  window.raise(1_000);
  window.spend(100);
  expect(window.credit).toBe(0);
  window.open(500);
  expect(window.credit).toBe(900);
});
