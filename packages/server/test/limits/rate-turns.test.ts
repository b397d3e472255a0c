import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { RateTurns } from '../../src/limits/rate-turns.js';

/** A relay that always has a piece to pass, and says how many bytes have. */
class Busy {
  carried = 0;
  readonly #turns: RateTurns;
  readonly #piece: number;

  constructor(turns: RateTurns, piece: number) {
    this.#turns = turns;
    this.#piece = piece;
    this.#goOn();
  }

  onTurn(): void {
    this.carried += this.#piece;
    this.#goOn();
  }

  leave(): void {
    this.#turns.leave(this);
  }

  #goOn(): void {
    while (this.#turns.mayPass(this.#piece)) this.carried += this.#piece;
    this.#turns.wait(this.#piece, this);
  }
}

function turnsAt(rate: number | undefined) {
  const clock = new FakeClock();
  let held = 0;
  const turns = new RateTurns(clock, (bytes) => {
    held += bytes;
  });
  turns.setRate(rate);
  return { clock, turns, held: () => held };
}

describe('turns at a rate', () => {
  test('let everything pass at once when there is none', () => {
    const { turns } = turnsAt(undefined);
    expect(turns.mayPass(1e12)).toBe(true);
  });

  test('forgive what is not worth a timer, and collect it later', () => {
    const { turns } = turnsAt(1_000_000);
    expect([turns.mayPass(4_000), turns.pause]).toEqual([true, 0]);
    expect([turns.mayPass(4_000), turns.pause]).toEqual([true, 8]);
    expect(turns.mayPass(1)).toBe(false);
  });

  test('forgive a timer that is late while somebody waits, up to a second', () => {
    const { clock, turns } = turnsAt(1_000_000);
    turns.charge(100_000);
    turns.wait(1, { onTurn() {} });
    clock.stall(500);
    expect(turns.pause).toBe(0);
    turns.charge(500_000);
    expect(turns.pause).toBe(100);
    clock.stall(9_500);
    expect(turns.pause).toBe(0);
    turns.charge(1_100_000);
    expect(turns.pause).toBe(100);
  });

  test('give each relay its turn, no matter what size its pieces have', () => {
    const { clock, turns } = turnsAt(100_000);
    const [large, small] = [new Busy(turns, 16_000), new Busy(turns, 4_000)];
    clock.advance(20_000);
    const carried = large.carried + small.carried;
    expect(Math.abs(carried / 20 - 100_000)).toBeLessThan(2_000);
    expect(Math.abs(large.carried / small.carried - 4)).toBeLessThan(0.3);
  });

  test('pass nothing of those that have left, and hold nothing for them', () => {
    const { clock, turns, held } = turnsAt(1_000);
    turns.mayPass(10_000);
    const relays = Array.from({ length: 5 }, () => new Busy(turns, 1_000));
    expect(held()).toBe(5_000);
    for (const relay of relays) relay.leave();
    expect([held(), clock.pending]).toEqual([0, 0]);
    clock.advance(60_000);
    expect(relays.map(({ carried }) => carried)).toEqual([0, 0, 0, 0, 0]);
  });

  test('owe for what has passed without one', () => {
    const { clock, turns } = turnsAt(1_000);
    expect(turns.pause).toBe(0);
    turns.charge(5_000);
    expect([turns.pause, turns.mayPass(1)]).toEqual([5_000, false]);
    const relay = new Busy(turns, 1_000);
    clock.advance(4_990);
    expect(relay.carried).toBe(0);
    clock.advance(10);
    expect(relay.carried).toBe(1_000);
    relay.leave();
  });

  test('let those that wait pass once there is no rate any more', () => {
    const { clock, turns, held } = turnsAt(1_000);
    turns.mayPass(1_000_000);
    const passed: number[] = [];
    for (const n of [1, 2, 3]) turns.wait(1_000, { onTurn: () => passed.push(n) });
    clock.advance(1_000);
    expect(passed).toEqual([]);
    turns.setRate(undefined);
    clock.advance(1);
    expect([passed, held()]).toEqual([[1, 2, 3], 0]);
  });

  test('hold the rate within 5 %, however many relays begin and end meanwhile', () => {
    const events = fc.array(
      fc.record({ piece: fc.integer({ min: 100, max: 65_536 }), life: fc.integer({ min: 1, max: 2_000 }) }),
      { minLength: 100, maxLength: 400 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 64_000, max: 5_000_000 }), events, (rate, relays) => {
        const { clock, turns, held } = turnsAt(rate);
        // One that always has more, so that there is never nobody.
        const all = [new Busy(turns, 8_192)];
        const living = new Map<Busy, number>();
        for (const { piece, life } of relays) {
          const relay = new Busy(turns, piece);
          all.push(relay);
          living.set(relay, clock.now() + life);
          clock.advance(50);
          for (const [one, end] of living) {
            if (end > clock.now()) continue;
            one.leave();
            living.delete(one);
          }
        }
        const carried = all.reduce((sum, relay) => sum + relay.carried, 0);
        // What may go at once in the beginning, and the one piece that is still owed for.
        const seconds = clock.now() / 1_000;
        expect(carried).toBeLessThanOrEqual(rate * (seconds + 0.105) + 65_536);
        expect(carried).toBeGreaterThanOrEqual(rate * (seconds * 0.95) - 65_536);
        for (const relay of all) relay.leave();
        expect(held()).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
