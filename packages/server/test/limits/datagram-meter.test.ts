import { expect, test } from 'vitest';
import { DatagramMeter } from '../../src/limits/datagram-meter.js';

/** Datagrams that come evenly, `perSecond` for `seconds` from `start` on; when patience was over, ms. */
function feed(meter: DatagramMeter, perSecond: number, seconds: number, start = 0): number[] {
  const losses: number[] = [];
  for (let i = 0; i < perSecond * seconds; i += 1) {
    const now = start + (i * 1_000) / perSecond;
    if (!meter.add(now)) losses.push(Math.round(now / 1_000));
  }
  return losses;
}

test('as many as may come, come for ever', () => {
  expect(feed(new DatagramMeter(1_000, 0), 1_000, 60)).toEqual([]);
});

test('too many cost a flow after five seconds, and another one after five more', () => {
  expect(feed(new DatagramMeter(1_000, 0), 1_100, 17)).toEqual([5, 10, 15]);
});

test('a burst of some seconds costs nothing', () => {
  const meter = new DatagramMeter(1_000, 0);
  expect(feed(meter, 5_000, 4)).toEqual([]);
  expect(feed(meter, 900, 2, 4_000)).toEqual([]);
  expect(feed(meter, 5_000, 4, 6_000)).toEqual([]);
});

test('what comes late is not too much', () => {
  const meter = new DatagramMeter(10, 0);
  for (let now = 0; now < 100_000; now += 2_000) {
    for (let i = 0; i < 15; i += 1) expect(meter.add(now)).toBe(true);
  }
});
