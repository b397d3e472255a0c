import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allowance, MOST_LEFT, WINDOW } from '../../src/wisp/allowance.js';

/** A client that keeps to what it reads, and a server that reads what it sends, each when it is told to. */
class Ends {
  readonly allowance = new Allowance();
  /** Packets, and CONTINUEs, on their way. */
  packets = 0;
  readonly grants: number[] = [];
  room = WINDOW;
  sent = 0;
  isHonest = true;
  #isStopped = false;

  send(): void {
    for (; this.room > 0; this.room--, this.sent++) this.packets += 1;
  }

  sendOne(): void {
    if (this.room === 0) return;
    this.room -= 1;
    this.sent += 1;
    this.packets += 1;
  }

  serve(count = 1): void {
    for (let i = 0; i < count && this.packets > 0; i++) {
      this.packets -= 1;
      if (!this.allowance.take()) this.isHonest = false;
      this.#grant();
    }
  }

  /** Nothing is granted while the destination takes nothing. */
  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
    this.#grant();
  }

  #grant(): void {
    if (!this.#isStopped && this.allowance.isDue) this.grants.push(this.allowance.renew());
  }

  read(): void {
    this.room = this.grants.shift() ?? this.room;
  }
}

const STEPS: readonly ((ends: Ends) => void)[] = [
  (ends) => ends.send(),
  (ends) => ends.sendOne(),
  (ends) => ends.serve(),
  (ends) => ends.serve(WINDOW / 2),
  (ends) => ends.serve(WINDOW),
  (ends) => ends.read(),
  (ends) => ends.stop(),
  (ends) => ends.goOn(),
];

describe('an allowance', () => {
  test('is never exceeded by a client that keeps to CONTINUE, and never leaves it waiting for good', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { size: 'max', maxLength: 2_000 }), (steps) => {
        const ends = new Ends();
        for (const step of steps) step(ends);
        expect(ends.isHonest).toBe(true);
        ends.goOn();
        for (let i = 0; i < 3; i++) {
          const before = ends.sent;
          ends.send();
          ends.serve(Number.POSITIVE_INFINITY);
          while (ends.grants.length > 0) ends.read();
          ends.send();
          expect(ends.sent).toBeGreaterThan(before);
        }
        expect(ends.isHonest).toBe(true);
      }),
    );
  });

  test('covers a client that reads several CONTINUEs behind each other, and sends a window for each', () => {
    const ends = new Ends();
    for (let round = 0; round < 10; round++) {
      ends.send();
      ends.serve(Number.POSITIVE_INFINITY);
      while (ends.grants.length > 0) {
        ends.read();
        ends.send();
      }
    }
    expect(ends.packets).toBeGreaterThan(2 * WINDOW);
    ends.stop();
    ends.serve(Number.POSITIVE_INFINITY);
    expect(ends.isHonest).toBe(true);
  });

  test('ends at four windows, no matter what was granted before', () => {
    const allowance = new Allowance();
    let isHonest = true;
    for (let i = 0; i < 100_000; i++) {
      isHonest &&= allowance.take();
      if (allowance.isDue) allowance.renew();
    }
    expect(isHonest).toBe(true);
    let taken = 0;
    while (allowance.take()) taken += 1;
    expect(taken).toBeGreaterThan(WINDOW);
    expect(taken).toBeLessThanOrEqual(MOST_LEFT);
  });

  test('of a client that was told that its stream is open has what it was told', () => {
    const allowance = new Allowance();
    for (let i = 0; i < 28; i++) allowance.take();
    expect(allowance.confirm()).toBe(WINDOW - 28);
    for (let i = 28; i < 2 * WINDOW - 28; i++) expect(allowance.take()).toBe(true);
    expect(allowance.take()).toBe(false);
  });
});
