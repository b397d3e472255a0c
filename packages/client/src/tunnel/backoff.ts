/** How long to wait before the next try. Times in ms. */
export class Backoff {
  readonly #random: () => number;
  #attempt = 0;
  #last = 0;
  /** When the server was last tried, by the clock. */
  triedAt: number = Number.NEGATIVE_INFINITY;

  /** `random` gives a number from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The server can be reached: the next loss is the first again. */
  reset(): void {
    this.#attempt = 0;
  }

  /**
   * A connection lived for `life`. One that has outlived the pause before it was good: a proxy that cuts every
   * connection after some seconds costs little, and one that cuts it at once is not asked in a tight loop.
   */
  lived(life: number): void {
    if (life > this.#last) this.reset();
  }

  /** Full jitter, so that the clients of a server that was restarted come back spread out. */
  next(resuming: boolean): number {
    this.#last = this.#draw(resuming ? MAX_DELAY_RESUMING : MAX_DELAY);
    this.#attempt += 1;
    return this.#last;
  }

  #draw(cap: number): number {
    if (this.#attempt === 0) return this.#random() * FIRST_DELAY;
    const ceiling = Math.min(cap, BASE_DELAY * 2 ** Math.min(this.#attempt, 16));
    // Never quite at once: a server that refuses immediately must not be asked in a tight loop.
    return ceiling / 10 + this.#random() * ceiling * 0.9;
  }
}

/** The first retry comes almost at once: most losses are a proxy that restarts. */
const FIRST_DELAY = 200;
const BASE_DELAY = 250;
/** While a session waits to be resumed, and when there is nothing to save any more. */
const MAX_DELAY_RESUMING = 5_000;
const MAX_DELAY = 30_000;
