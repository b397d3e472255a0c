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
  /** Runs `callback` once what has arrived by now was handled; as `defer` where the platform cannot tell. */
  deferPastInput(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** What the platforms have in common; Node's timer is an object, and keeps the process alive unless told otherwise. */
declare const performance: { now(): number };
declare function setTimeout(callback: () => void, delay: number): unknown;
declare function clearTimeout(timer: unknown): void;
declare function queueMicrotask(callback: () => void): void;
/** Of Node alone. */
declare const setImmediate: ((callback: () => void) => unknown) | undefined;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback, delay) {
    const timer = setTimeout(callback, delay);
    (timer as { unref?(): void }).unref?.();
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (callback) => queueMicrotask(callback),
  deferPastInput(callback) {
    if (typeof setImmediate === 'function') setImmediate(callback);
    else queueMicrotask(callback);
  },
};
