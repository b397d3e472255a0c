/** Time as an argument: the real one in production, a hand-driven one in tests and simulations. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** The time of day in milliseconds, which jumps when somebody sets it, or the machine has slept. */
  wallTime(): number;
  /** Runs `callback` once after `delay` milliseconds. Never keeps the process alive by itself. */
  setTimer(callback: () => void, delay: number): Timer;
  /** Runs `callback` after the current one has returned, before any input or timer. */
  defer(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback, delay) {
    const timer = setTimeout(callback, delay);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (callback) => queueMicrotask(callback),
};
