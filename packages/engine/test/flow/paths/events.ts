import { Random } from 'wsproxy-test-support/engine/random';
import type { Clock } from '../../../src/clock.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that goes from event to event, ms, and the chance that goes with it. */
export class Events {
  now = 0;
  readonly random: Random;
  /** A binary heap, the next event first. */
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  at(at: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at, order: this.#order++, run };
    let index = heap.length;
    for (let parent = (index - 1) >> 1; index > 0; parent = (index - 1) >> 1) {
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** The same time, as the engine asks for it. */
  get clock(): Clock {
    return {
      now: () => this.now,
      wallTime: () => this.now,
      setTimer: (callback, delay) => {
        let isSet = true;
        this.after(delay, () => isSet && callback());
        return {
          cancel() {
            isSet = false;
          },
        };
      },
      defer: (callback) => callback(),
      deferPastInput: (callback) => callback(),
    };
  }

  runUntil(end: number): void {
    for (let event = this.#heap[0]; event !== undefined && event.at <= end; event = this.#heap[0]) {
      this.#removeFirst();
      this.now = event.at;
      event.run();
    }
    this.now = end;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
