import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { History, type Look, Span } from '../../src/status/history.js';

const look = (now: number, bytesDown: number, isOnline = true): Look => ({ now, bytesDown, bytesUp: 0, isOnline });

function historyOf(...looks: readonly Look[]): History {
  const history = new History();
  for (const one of looks) history.add(one);
  return history;
}

describe('the history', () => {
  test('is empty before a second is over', () => {
    expect(historyOf(look(0, 5), look(900, 10)).seconds.newer(0)).toEqual([]);
  });

  test('has a point for each second and each ten, in bytes a second', () => {
    const looks = Array.from({ length: 21 }, (_, n) => look(n * 1_000, n * n * 100));
    const { seconds, tens } = historyOf(...looks);
    expect(seconds.newer(0).slice(0, 3)).toEqual([
      [100, 0, 0],
      [300, 0, 0],
      [500, 0, 0],
    ]);
    expect(tens.newer(0)).toEqual([
      [1_000, 0, 0],
      [3_000, 0, 0],
    ]);
  });

  test('shares out what comes between two looks, no matter where these fall', () => {
    expect(historyOf(look(500, 0), look(2_500, 2_000), look(3_000, 2_000)).seconds.newer(0)).toEqual([
      [500, 0, 0],
      [1_000, 0, 0],
      [500, 0, 0],
    ]);
  });

  test('marks the seconds in which the tunnel was away', () => {
    const looks = [look(0, 0), look(1_000, 0), look(2_000, 0, false), look(3_000, 0)];
    expect(
      historyOf(...looks)
        .seconds.newer(0)
        .map(([, , away]) => away),
    ).toEqual([0, 1, 0]);
  });

  test('keeps two minutes and an hour, and no more', () => {
    const looks = Array.from({ length: 5_000 }, (_, n) => look(n * 1_000, n));
    const { seconds, tens } = historyOf(...looks);
    expect([seconds.newer(0).length, tens.newer(0).length]).toEqual([120, 360]);
    expect([seconds.closed, tens.closed]).toEqual([4_999, 499]);
  });

  test('costs no time when the machine has slept for a year', () => {
    const { seconds } = historyOf(
      look(0, 0),
      look(1_000, 1_000),
      look(31_536_000_000, 2_000),
      look(31_536_001_000, 2_500),
    );
    expect(seconds.newer(0).length).toBe(120);
    expect(seconds.newer(0).at(-1)).toEqual([500, 0, 0]);
  });

  test('loses no byte and makes none up', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 4_000 }), fc.nat(1_000_000)), {
      minLength: 1,
      maxLength: 25,
    });
    fc.assert(
      fc.property(fc.nat(5_000), steps, (begin, pieces) => {
        const history = new History();
        let [now, bytes] = [begin, 0];
        history.add(look(now, bytes));
        for (const [pause, piece] of pieces) {
          now += pause;
          bytes += piece;
          history.add(look(now, bytes));
        }
        // Closes the second that is under way.
        history.add(look((Math.floor(now / 1_000) + 1) * 1_000, bytes));
        const points = history.seconds.newer(0);
        const sum = points.reduce((all, [down]) => all + down, 0);
        expect(Math.abs(sum - bytes)).toBeLessThanOrEqual(points.length);
      }),
    );
  });
});

test('what is newer than a number of steps can be asked for, as far as it is kept', () => {
  const span = new Span(1_000, 3);
  for (let n = 0; n < 5; n++) span.add({ from: n * 1_000, to: (n + 1) * 1_000, down: n, up: 0, isAway: false });
  const downs = (than: number) => span.newer(than).map(([down]) => down);
  expect([span.closed, downs(0), downs(3), downs(4), downs(5)]).toEqual([5, [2, 3, 4], [3, 4], [4], []]);
});
