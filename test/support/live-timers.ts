// `process.getActiveResourcesInfo()` knows only timers that keep the process alive, and those of the product never do.
// So the functions that make and end timers are watched. Vitest has taken its own copies before this runs.

const living = new Set<NodeJS.Timeout>();
const { setTimeout: set, clearTimeout: clear } = globalThis;

function watchedSetTimeout(callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]): NodeJS.Timeout {
  const timer = set(() => {
    living.delete(timer);
    callback(...args);
  }, delay);
  living.add(timer);
  return timer;
}

function watchedClearTimeout(timer: NodeJS.Timeout | undefined): void {
  if (timer !== undefined) living.delete(timer);
  clear(timer);
}

/** From here on every timer made by the product, its dependencies and the tests is counted. */
export function watchTimers(): void {
  Object.assign(globalThis, { setTimeout: watchedSetTimeout, clearTimeout: watchedClearTimeout });
}

/** Timers that have neither run nor been cleared. */
export function liveTimers(): number {
  return living.size;
}
