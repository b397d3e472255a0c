// `process.getActiveResourcesInfo()` knows only timers that keep the process alive, and those of the product never do.
// So the functions that make and end timers are watched. Vitest has taken its own copies before this runs.

/** How long each waits, ms. */
const living = new Map();
const { setTimeout: set, clearTimeout: clear } = globalThis;

function watchedSetTimeout(callback, delay, ...args) {
  const timer = set(() => {
    living.delete(timer);
    callback(...args);
  }, delay);
  living.set(timer, delay);
  return timer;
}

function watchedClearTimeout(timer) {
  if (timer !== undefined) living.delete(timer);
  clear(timer);
}

export function watchTimers() {
  Object.assign(globalThis, { setTimeout: watchedSetTimeout, clearTimeout: watchedClearTimeout });
}

export function liveTimers() {
  return living.size;
}

export function liveWaits() {
  return [...living.values()];
}
