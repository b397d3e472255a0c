/** How long to wait before the next try. Times in ms. */
export class Backoff {
  readonly #random: () => number;
  /** Rounds that have failed, one after the other. */
  #failures = 0;
  /** Of the last one: until its pause is over, by the clock, others that fail belong to it. */
  #roundEnds = Number.NEGATIVE_INFINITY;
  #last = 0;
  /** When the server was last tried, by the clock. */
  triedAt: number = Number.NEGATIVE_INFINITY;

  /** `random` gives a number from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The server can be reached: the next loss is the first again. */
  reset(): void {
    this.#failures = 0;
    this.#roundEnds = Number.NEGATIVE_INFINITY;
  }

  /**
   * A connection lived for `life`. One that has outlived the pause before it was good: a proxy that cuts every
   * connection after some seconds costs little, and one that cuts it at once is not asked in a tight loop.
   */
  lived(life: number): void {
    if (life > this.#last) this.reset();
  }

  /**
   * Full jitter, so that the clients of a server that was restarted come back spread out. Several sessions of one server
   * fail side by side: however many they are, that is one failure.
   */
  next(isAwaited: boolean, now: number): number {
    const isNew = now >= this.#roundEnds;
    if (isNew) this.#failures += 1;
    this.#last = this.#draw(isAwaited ? MAX_DELAY_AWAITED : MAX_DELAY);
    if (isNew) this.#roundEnds = now + this.#last;
    return this.#last;
  }

  #draw(cap: number): number {
    if (this.#failures === 1) return this.#random() * FIRST_DELAY;
    const ceiling = Math.min(cap, BASE_DELAY * 2 ** Math.min(this.#failures - 1, 16));
    // Never quite at once: a server that refuses immediately must not be asked in a tight loop.
    return ceiling / 10 + this.#random() * ceiling * 0.9;
  }
}

/** The first retry comes almost at once: most losses are a proxy that restarts. */
const FIRST_DELAY = 200;
const BASE_DELAY = 250;
/** While channels wait for a session to be resumed, or somebody else does for a tunnel; and when nobody waits. */
const MAX_DELAY_AWAITED = 5_000;
const MAX_DELAY = 30_000;
