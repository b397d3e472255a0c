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
        expect(budget.reserved).toBe(0);
      }),
      { numRuns: 500 },
    );
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

  test('begins with the base, and opens to the initial size as far as the budget goes', () => {
    const budget = new MemoryBudget(5_000);
    const [first, second, third] = [create(budget), create(budget), create(budget)];
    expect(first.limit).toBe(BASE);
    expect(first.open()).toBe(INITIAL);
    expect(second.open()).toBe(BASE + 2_000);
    expect(third.open()).toBe(BASE);
    expect(budget.room).toBe(0);
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
    // A path without limits: whatever is promised arrives one round trip later, and is taken at once.
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
