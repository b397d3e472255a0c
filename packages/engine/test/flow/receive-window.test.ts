import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { ReceiveWindow } from '../../src/flow/receive-window.js';

const BASE = 1_000;
const INITIAL = 4_000;
const MAX = 64_000;

function create(budget: MemoryBudget): ReceiveWindow {
  return new ReceiveWindow({ base: BASE, initial: INITIAL, max: MAX, budget }, 0);
}

/** What the peer may have under way or waiting here: all of it must have been promised. */
interface Step {
  /** Shares of what may be sent, and of what was received, that are sent and taken now. */
  readonly sent: number;
  readonly taken: number;
  readonly elapsed: number;
  readonly roundTrip: number;
}

const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const steps = fc.array(
  fc.record<Step>({
    sent: share,
    taken: share,
    elapsed: fc.oneof(fc.constantFrom(0, 20_000), fc.nat(100)),
    roundTrip: fc.constantFrom(0, 1, 50, Number.POSITIVE_INFINITY),
  }),
  { maxLength: 60 },
);

describe('ReceiveWindow', () => {
  test('never promises more than a window beyond what was taken, nor more than is reserved', () => {
    fc.assert(
      fc.property(steps, fc.nat(80_000), fc.boolean(), (run, limit, opened) => {
        const budget = new MemoryBudget(limit);
        const window = create(budget);
        if (opened) window.open();
        let [now, consumed, before] = [0, 0, window.limit];
        for (const { sent, taken, elapsed, roundTrip } of run) {
          now += elapsed;
          expect(window.receive(Math.floor((window.limit - window.received) * sent))).toBe(true);
          const bytes = Math.floor((window.received - consumed) * taken);
          consumed += bytes;
          const told = window.consume(bytes, now, roundTrip);
          expect(window.limit).toBeGreaterThanOrEqual(before);
          expect(told).toBe(window.limit > before);
          before = window.limit;
          expect(window.size).toBeLessThanOrEqual(MAX);
          expect(window.limit - consumed).toBeLessThanOrEqual(BASE + budget.reserved);
          expect(budget.reserved).toBeLessThanOrEqual(limit);
        }
        window.close();
        expect(budget.reserved).toBe(Math.max(0, window.received - consumed - BASE));
        window.drain(window.received - consumed);
        expect(budget.reserved).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('that is closed holds what came and was not taken, and not what was granted in vain', () => {
    const budget = new MemoryBudget(100_000);
    const window = create(budget);
    window.open();
    window.receive(BASE + 2_000);
    expect(budget.reserved).toBe(INITIAL - BASE);
    window.close();
    expect(budget.reserved).toBe(2_000);
    window.drain(500);
    expect(budget.reserved).toBe(1_500);
    window.close();
    window.drain(BASE + 1_500);
    expect(budget.reserved).toBe(0);
  });

  test('always lets the sender go on once all was taken, even without any budget', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.array(fc.nat(100), { maxLength: 50 }), (limit, pauses) => {
        const window = create(new MemoryBudget(limit));
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          const bytes = window.limit - window.received;
          expect(bytes).toBeGreaterThan(0);
          window.receive(bytes);
          window.consume(bytes, now, 50);
        }
      }),
    );
  });

  test('refuses what lies beyond the limit, to the byte', () => {
    const window = create(new MemoryBudget(0));
    expect(window.receive(BASE)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  test('begins with the base, and opens to the initial size as far as half of the budget goes', () => {
    const budget = new MemoryBudget(10_000);
    const [first, second, third] = [create(budget), create(budget), create(budget)];
    expect(first.limit).toBe(BASE);
    expect(first.open()).toBe(INITIAL);
    expect(second.open()).toBe(BASE + 2_000);
    expect(third.open()).toBe(BASE);
    expect([budget.initialRoom, budget.room]).toEqual([0, 5_000]);
    first.close();
    expect(third.open()).toBe(INITIAL);
  });

  test('counts what was taken before it opens', () => {
    const window = create(new MemoryBudget(100_000));
    window.receive(500);
    window.consume(500, 0, 10);
    expect(window.open()).toBe(500 + INITIAL);
  });

  test('does not tell of every byte that is taken', () => {
    const window = create(new MemoryBudget(100_000));
    window.open();
    window.receive(INITIAL);
    let told = 0;
    for (let n = 0; n < INITIAL; n++) told += Number(window.consume(1, n * 1_000, 1));
    expect(told).toBeLessThanOrEqual(4);
    expect(told).toBeGreaterThan(0);
  });

  test('grows while growth makes it faster, and no further than its maximum', () => {
    const window = create(new MemoryBudget(1_000_000));
    window.open();
    // A path without limits: anything that is promised arrives one round trip later, and is taken at once.
    for (let now = 0; now < 2_000; now += 100) {
      const bytes = window.limit - window.received;
      window.receive(bytes);
      window.consume(bytes, now, 100);
    }
    expect(window.size).toBe(MAX);
  });

  test('does not grow for a reader that is slower than the path', () => {
    const window = create(new MemoryBudget(1_000_000));
    window.open();
    for (let now = 0; now < 60_000; now += 1_000) {
      window.receive(window.limit - window.received);
      window.consume(100, now, 10);
    }
    expect(window.size).toBe(INITIAL);
  });

  test('tells the peer once a quarter of the window can be given back, and not before', () => {
    const window = create(new MemoryBudget(1_000_000));
    window.open();
    window.receive(INITIAL);
    expect(window.consume(INITIAL / 4 - 1, 100, Number.POSITIVE_INFINITY)).toBe(false);
    expect(window.consume(1, 100, Number.POSITIVE_INFINITY)).toBe(true);
    expect(window.limit).toBe(INITIAL / 4 + INITIAL);
  });

  /** A window that takes `bytes` after `elapsed` ms, again and again; its size after each time. */
  function sizes(
    window: ReceiveWindow,
    steps: readonly [bytes: number, elapsed: number, roundTrip: number][],
    start = 0,
  ) {
    let now = start;
    return steps.map(([bytes, elapsed, roundTrip]) => {
      now += elapsed;
      window.receive(bytes);
      window.consume(bytes, now, roundTrip);
      return window.size;
    });
  }

  test.each<[what: string, steps: [number, number, number][], sizes: number[]]>([
    ['half of it was used within a round trip', [[2_000, 10, 10]], [8_000]],
    ['one byte less than half was used', [[1_999, 10, 10]], [4_000]],
    ['half of it was used in just less than two round trips', [[2_000, 19, 10]], [8_000]],
    ['half of it was used in two round trips', [[2_000, 20, 10]], [4_000]],
    ['the round trip is not known', [[4_000, 1, Number.POSITIVE_INFINITY]], [4_000]],
    [
      'growth has made it a quarter faster',
      [
        [2_000, 10, 10],
        [4_000, 16, 10],
      ],
      [8_000, 16_000],
    ],
    [
      'growth has made it no faster',
      [
        [2_000, 10, 10],
        [4_000, 20, 15],
      ],
      [8_000, 8_000],
    ],
    [
      'growth has made it faster, but not by a quarter',
      [
        [2_000, 10, 10],
        [4_000, 17, 10],
      ],
      [8_000, 8_000],
    ],
    [
      'it is measured anew after it did not grow',
      [
        [2_000, 20, 10],
        [2_000, 10, 10],
      ],
      [4_000, 8_000],
    ],
    [
      'a round trip of nothing is taken for one ms',
      [
        [2_000, 0, 0.5],
        [4_000, 0, 0.5],
      ],
      [8_000, 16_000],
    ],
  ])('grows or not when %s', (_what, steps, expected) => {
    const window = create(new MemoryBudget(1_000_000));
    window.open();
    expect(sizes(window, steps)).toEqual(expected);
  });

  test('counts how long it was idle, not what time it is', () => {
    const window = new ReceiveWindow(
      { base: BASE, initial: INITIAL, max: MAX, budget: new MemoryBudget(1_000_000) },
      1_000_000,
    );
    window.open();
    const nothing: [number, number, number] = [0, 10_000, 10];
    expect(sizes(window, [[2_000, 10, 10], nothing, nothing], 1_000_000)).toEqual([8_000, 8_000, 8_000]);
    expect(sizes(window, [[0, 10_001, 10]], 1_020_010)).toEqual([INITIAL]);
  });

  test('reserves what it opens to once, and gives nothing back when it is opened again', () => {
    const budget = new MemoryBudget(1_000_000);
    const window = create(budget);
    window.open();
    window.open();
    expect(budget.reserved).toBe(INITIAL - BASE);
    sizes(window, [[2_000, 10, 10]]);
    expect(budget.reserved).toBe(2 * INITIAL - BASE);
    window.open();
    expect(budget.reserved).toBe(2 * INITIAL - BASE);
  });

  test('does not count a growth for which there was no room', () => {
    const budget = new MemoryBudget(2 * (INITIAL - BASE));
    const window = create(budget);
    window.open();
    budget.take(INITIAL - BASE);
    expect(sizes(window, [[2_000, 10, 10]])).toEqual([INITIAL]);
    budget.release(INITIAL - BASE);
    expect(sizes(window, [[2_000, 10, 10]], 10)).toEqual([INITIAL + INITIAL - BASE]);
  });

  test('takes at most half of the room that is left when it grows, or what is left when that is little', () => {
    const budget = new MemoryBudget(100_000);
    const window = create(budget);
    window.open();
    budget.take(100_000 - budget.reserved - 10_000);
    expect(sizes(window, [[2_000, 10, 10]])).toEqual([8_000]);
    expect(budget.room).toBe(6_000);
    expect(sizes(window, [[4_000, 10, 10]], 10)).toEqual([12_000]);
    expect(budget.room).toBe(2_000);
    expect(sizes(window, [[6_000, 10, 10]], 20)).toEqual([14_000]);
    expect(budget.room).toBe(0);
  });

  test.each<[what: string, move: (window: ReceiveWindow) => boolean]>([
    ['its own bytes are taken', (window) => window.receive(1) && window.consume(1, 0, 10)],
    ['bytes go the other way', (window) => window.widen()],
  ])('that had to begin small is opened when %s and there is room', (_what, move) => {
    const budget = new MemoryBudget(2 * (INITIAL - BASE));
    const [first, second] = [create(budget), create(budget)];
    first.open();
    second.open();
    expect([move(second), second.size]).toEqual([false, BASE]);
    first.close();
    expect([move(second), second.size]).toEqual([true, INITIAL]);
    expect(move(second)).toBe(false);
  });

  test('keeps reserved to the byte what it may still be sent', () => {
    const budget = new MemoryBudget(1_000_000);
    const window = create(budget);
    window.open();
    sizes(window, [[2_000, 10, 10]]);
    const promised = window.limit - window.received;
    // Small again, while the peer may still send what it was promised.
    sizes(window, [[0, 20_000, 10]], 10);
    expect([window.size, budget.reserved]).toEqual([INITIAL, promised - BASE]);
    sizes(window, [[promised - INITIAL, 1, Number.POSITIVE_INFINITY]], 20_010);
    expect(budget.reserved).toBe(INITIAL - BASE);
  });

  test('begins small again after it was idle, and gives back what it had reserved', () => {
    const budget = new MemoryBudget(1_000_000);
    const window = create(budget);
    window.open();
    let now = 0;
    for (; now < 2_000; now += 100) {
      const bytes = window.limit - window.received;
      window.receive(bytes);
      window.consume(bytes, now, 100);
    }
    const grown = budget.reserved;
    const promised = window.limit - window.received;
    window.receive(promised);
    // What was promised stays promised, so all of it is taken, slowly.
    for (let taken = 0; taken < promised; taken += 1_000) {
      now += 30_000;
      window.consume(1_000, now, 100);
    }
    expect(window.size).toBe(INITIAL);
    expect(budget.reserved).toBeLessThan(grown / 4);
  });
});
