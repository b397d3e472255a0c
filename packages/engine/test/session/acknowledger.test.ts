import { describe, expect, test } from 'vitest';
import { Acknowledger } from '../../src/session/acknowledger.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

/** Tells whenever it is due, and notes at which time it told which count. */
function acknowledger(roundTrip = Number.POSITIVE_INFINITY): {
  clock: FakeClock;
  one: Acknowledger;
  told: [at: number, count: number][];
} {
  const clock = new FakeClock();
  const told: [number, number][] = [];
  const path = { lowest: roundTrip };
  const one: Acknowledger = new Acknowledger(clock, path, {
    schedule() {
      if (one.isDue) told.push([clock.now(), one.tell()]);
    },
  });
  clock.advance(1_000);
  return { clock, one, told };
}

describe('an acknowledgement', () => {
  test('leaves 5 ms after the first frame, for all that came until then', () => {
    const { clock, one, told } = acknowledger();
    one.note(10);
    clock.advance(3);
    one.note(10);
    clock.advance(1);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([[1_005, 2]]);
    clock.advance(100);
    expect(told).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('leaves at once after 16 KiB', () => {
    const { one, told } = acknowledger();
    one.note(16_383);
    expect(told).toEqual([]);
    one.note(1);
    expect(told).toEqual([[1_000, 2]]);
  });

  test('leaves not more often than once in a millisecond', () => {
    const { clock, one, told } = acknowledger();
    for (let n = 0; n < 10; n++) one.note(16_384);
    expect(told).toEqual([[1_000, 1]]);
    clock.advance(1);
    one.note(1);
    expect(told.at(-1)).toEqual([1_001, 11]);
  });

  test('of what comes fast over a long path leaves four times in a round trip', () => {
    const { clock, one, told } = acknowledger(200);
    for (let n = 0; n < 100; n++) {
      one.note(16_384);
      clock.advance(1);
    }
    expect(told.map(([at]) => at)).toEqual([1_000, 1_050, 1_100]);
  });

  test('leaves as it comes where a quarter of a round trip brings less than 256 KiB', () => {
    const { clock, one, told } = acknowledger(60);
    for (let n = 0; n < 4; n++) {
      one.note(16_384);
      clock.advance(1);
    }
    expect(told.map(([at]) => at)).toEqual([1_000, 1_001, 1_002, 1_003]);
  });

  test('of the last that came fast waits for its turn, and comes', () => {
    const { clock, one, told } = acknowledger(200);
    one.note(16_384);
    clock.advance(1);
    one.note(131_072);
    clock.advance(23);
    expect(told).toHaveLength(1);
    clock.advance(1);
    expect(told).toEqual([
      [1_000, 1],
      [1_025, 2],
    ]);
    expect([one.isPending, clock.pending]).toEqual([false, 0]);
  });

  test('of little leaves after 5 ms however long the round trip is', () => {
    const { clock, one, told } = acknowledger(800);
    one.note(16_384);
    one.note(10);
    clock.advance(5);
    expect(told).toEqual([
      [1_000, 1],
      [1_005, 2],
    ]);
  });

  test('is late once at most, and nothing is left to tell afterwards', () => {
    const { clock, one, told } = acknowledger();
    one.note(16_384);
    one.note(16_384);
    expect([one.isPending, one.isDue]).toEqual([true, false]);
    clock.advance(5);
    expect(told).toEqual([
      [1_000, 1],
      [1_005, 2],
    ]);
    expect([one.isPending, one.isDue]).toEqual([false, false]);
  });

  test('that was stopped leaves no timer', () => {
    const { clock, one, told } = acknowledger();
    one.note(1);
    one.stop();
    expect(clock.pending).toBe(0);
    clock.advance(100);
    expect(told).toEqual([]);
    expect(one.isPending).toBe(true);
  });
});
