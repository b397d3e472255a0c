import type { Clock, Timer } from '../clock.js';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  /** How far the time of day is ahead; set it to let the machine sleep. */
  wallOffset = 0;

  wallTime(): number {
    return this.#now + this.wallOffset;
  }

  setTimer(callback: () => void, delay: number): Timer {
    const timer = { at: this.#now + delay, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  deferPastInput(callback: () => void): void {
    this.defer(callback);
  }

  /** Timers that are still set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Runs what was deferred, and what that defers; false when there was nothing. */
  runDeferred(): boolean {
    if (this.#deferred.length === 0) return false;
    while (this.#deferred.length > 0) {
      const callbacks = this.#deferred;
      this.#deferred = [];
      for (const callback of callbacks) callback();
    }
    return true;
  }

  /** Lets `milliseconds` pass while the process stands still: timers that fall due run late, with the next `advance`. */
  stall(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets `milliseconds` pass, running timers in their order, each at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    this.runDeferred();
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
      this.runDeferred();
    }
    this.#now = end;
  }
}
