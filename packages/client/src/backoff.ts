/** The first retry comes almost at once: most losses are a proxy that restarts. */
const FIRST_DELAY = 200;
const BASE_DELAY = 250;
/** While a session waits to be resumed, and when there is nothing to save any more. */
const MAX_DELAY_RESUMING = 5_000;
const MAX_DELAY = 30_000;

/**
 * Milliseconds before retry number `attempt` (from 0). Full jitter, so that the clients of a server that was
 * restarted come back spread out; `random` gives a number from 0 to 1.
 */
export function retryDelay(attempt: number, resuming: boolean, random: () => number): number {
  if (attempt === 0) return random() * FIRST_DELAY;
  const cap = resuming ? MAX_DELAY_RESUMING : MAX_DELAY;
  const ceiling = Math.min(cap, BASE_DELAY * 2 ** Math.min(attempt, 16));
  // Never quite at once: a server that refuses immediately must not be asked in a tight loop.
  return ceiling / 10 + random() * ceiling * 0.9;
}
