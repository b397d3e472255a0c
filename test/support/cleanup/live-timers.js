// `process.getActiveResourcesInfo()` knows only timers that keep the process alive, and those of the product never do.
// So the functions that make and end timers are watched. Vitest has taken its own copies before this runs.

const living = new Set();
const { setTimeout: set, clearTimeout: clear } = globalThis;

function watchedSetTimeout(callback, delay, ...args) {
  const timer = set(() => {
    living.delete(timer);
    callback(...args);
  }, delay);
  living.add(timer);
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
