import { expect, test } from 'vitest';
import { Rates, SPAN } from '../../page/rates.js';

const at = (clockMs: number, bytesDown: number, bytesUp = 0) => ({ clockMs, bytesDown, bytesUp });

test('knows nothing at first, and after one look', () => {
  const rates = new Rates();
  rates.add(at(0, 1_000));
  expect([rates.down.length, rates.down.every((rate) => rate === null)]).toEqual([SPAN, true]);
});

test('tells bytes a second by the time that has really passed', () => {
  const rates = new Rates();
  for (const counted of [at(500, 0), at(1_500, 3_000, 10), at(3_500, 4_000, 50)]) rates.add(counted);
  expect(rates.down.slice(-3)).toEqual([null, 3_000, 500]);
  expect(rates.up.slice(-3)).toEqual([null, 10, 20]);
});

test('keeps the last two minutes and no more', () => {
  const rates = new Rates();
  for (let second = 0; second <= 2 * SPAN; second++) rates.add(at(second * 1_000, second * second));
  expect([rates.down.length, rates.down.at(-1)]).toEqual([SPAN, 4 * SPAN - 1]);
  expect(rates.down[0]).toBe(2 * SPAN + 1);
});

test('leaves a gap where the client was away, or was started again', () => {
  const rates = new Rates();
  rates.add(at(0, 0));
  rates.add(at(1_000, 100));
  rates.interrupt();
  rates.add(at(50_000, 9_000_000));
  rates.add(at(51_000, 9_000_100));
  rates.add(at(1_000, 50));
  rates.add(at(2_000, 60));
  expect(rates.down.slice(-5)).toEqual([100, null, 100, null, 10]);
});
