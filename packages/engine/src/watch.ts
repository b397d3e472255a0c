import type { Clock, Timer } from './clock.js';

/** Looks at each of many once in an interval, with one timer for all of them, and none while there is nobody. */
export class Watch<T> {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #look: (one: T, now: number) => void;
  readonly #watched = new Set<T>();
  #timer: Timer | undefined;

  /** `interval` in ms. */
  constructor(clock: Clock, interval: number, look: (one: T, now: number) => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#look = look;
  }

  add(one: T): void {
    this.#watched.add(one);
    this.#timer ??= this.#setTimer();
  }

  delete(one: T): void {
    this.#watched.delete(one);
    if (this.#watched.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #setTimer(): Timer {
    return this.#clock.setTimer(() => {
      this.#timer = undefined;
      const now = this.#clock.now();
      for (const one of this.#watched) this.#look(one, now);
      if (this.#watched.size > 0) this.#timer ??= this.#setTimer();
    }, this.#interval);
  }
}
