/** The first retry comes almost at once: most losses are a proxy that restarts. */
const FIRST_DELAY = 200;
const BASE_DELAY = 250;
/** While a session waits to be resumed, and when there is nothing to save any more. */
const MAX_DELAY_RESUMING = 5_000;
const MAX_DELAY = 30_000;

/** How long to wait before the next try. Times in ms. */
export class Backoff {
  readonly #random: () => number;
  #attempt = 0;

  /** `random` gives a number from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The connection was good: the next loss is the first again. */
  reset(): void {
    this.#attempt = 0;
  }

  /** Full jitter, so that the clients of a server that was restarted come back spread out. */
  next(resuming: boolean): number {
    const attempt = this.#attempt;
    this.#attempt += 1;
    if (attempt === 0) return this.#random() * FIRST_DELAY;
    const cap = resuming ? MAX_DELAY_RESUMING : MAX_DELAY;
    const ceiling = Math.min(cap, BASE_DELAY * 2 ** Math.min(attempt, 16));
    // Never quite at once: a server that refuses immediately must not be asked in a tight loop.
    return ceiling / 10 + this.#random() * ceiling * 0.9;
  }
}
