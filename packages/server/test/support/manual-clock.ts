import type { Clock } from 'wsproxy-protocol';

/** Time that stands still until `advance` moves it. */
export class ManualClock implements Clock {
  readonly #timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  #now = 0;

  /** Timers neither fired nor cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delay: number): { cancel(): void } {
    const timer = { due: this.#now + delay, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  defer(callback: () => void): void {
    queueMicrotask(callback);
  }

  /** Fires what becomes due within `duration` milliseconds, in order. */
  advance(duration: number): void {
    const end = this.#now + duration;
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#timers.delete(next);
      this.#now = next.due;
      next.callback();
    }
    this.#now = end;
  }

  #nextBefore(end: number): { readonly due: number; readonly callback: () => void } | undefined {
    const due = [...this.#timers].filter((timer) => timer.due <= end);
    return due.sort((a, b) => a.due - b.due)[0];
  }
}
