import { describe, expect, test } from 'vitest';
import { Rounds } from '../../src/session/rounds.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

const INTERVAL = 1_000;

/** Writes down when it is looked at. */
class Seen {
  readonly at: number[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  onLook(): void {
    this.at.push(this.#clock.now());
  }
}

describe('anyone who joins', () => {
  test('is looked at once in every interval, until it leaves', () => {
    const clock = new FakeClock();
    const seen = new Seen(clock);
    clock.advance(30);
    const round = Rounds.of(clock, INTERVAL).join(seen);
    clock.advance(3 * INTERVAL);
    expect(seen.at).toEqual([1_030, 2_030, 3_030]);
    round.leave(seen);
    clock.advance(3 * INTERVAL);
    expect([seen.at.length, clock.pending]).toEqual([3, 0]);
  });

  test('soon after another one, also some intervals later, is looked at with it, by one timer', () => {
    const clock = new FakeClock();
    const seen = [new Seen(clock), new Seen(clock), new Seen(clock)];
    const rounds = Rounds.of(clock, INTERVAL);
    for (const one of seen) {
      rounds.join(one);
      clock.advance(INTERVAL + 20);
    }
    expect(clock.pending).toBe(1);
    clock.advance(INTERVAL);
    expect(seen.map(({ at }) => at.at(-1))).toEqual([4_000, 4_000, 4_000]);
    expect(seen.map(({ at }) => at.length)).toEqual([4, 3, 2]);
  });

  test('at another point of the interval is looked at then', () => {
    const clock = new FakeClock();
    const seen = [new Seen(clock), new Seen(clock)];
    for (const one of seen) {
      Rounds.of(clock, INTERVAL).join(one);
      clock.advance(300);
    }
    clock.advance(INTERVAL);
    expect(seen.map(({ at }) => at)).toEqual([[1_000], [1_300]]);
  });
});

test('many wake nobody more often than a few', () => {
  const clock = new FakeClock();
  const seen = new Seen(clock);
  for (let n = 0; n < 2_000; n++) {
    Rounds.of(clock, INTERVAL).join({ onLook: () => seen.onLook() });
    clock.advance(7);
  }
  expect(clock.pending).toBeLessThanOrEqual(10);
  seen.at.length = 0;
  clock.advance(INTERVAL);
  expect(seen.at.length).toBe(2_000);
});

test('one that leaves while it is looked at takes nothing from the others', () => {
  const clock = new FakeClock();
  const rounds = Rounds.of(clock, INTERVAL);
  const seen = new Seen(clock);
  const leaving = { onLook: () => round.leave(leaving) };
  const round = rounds.join(leaving);
  rounds.join(seen);
  clock.advance(2 * INTERVAL);
  expect(seen.at).toEqual([1_000, 2_000]);
});

test.each([1_200, 2_400, 2_800])('a look that is late, after %i ms, does not move those that follow', (late) => {
  const clock = new FakeClock();
  const seen = new Seen(clock);
  Rounds.of(clock, INTERVAL).join(seen);
  clock.stall(late);
  clock.advance(1_000);
  expect(seen.at).toEqual([late, Math.ceil(late / INTERVAL) * INTERVAL]);
});
