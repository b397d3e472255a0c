/** In thousandths, one that passes is a whole number of them, and so is what a whole millisecond brings. */
const ONE = 1_000;

/** Lets `burst` through at once, and `perSecond` in the long run. */
export class OpenBucket {
  readonly #perSecond: number;
  readonly #most: number;
  #thousandths: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#most = burst * ONE;
    this.#thousandths = this.#most;
    this.#at = now;
  }

  /** Whether one more may pass at this time, ms. */
  take(now: number): boolean {
    if (this.waitFor(now) > 0) return false;
    this.#thousandths -= ONE;
    return true;
  }

  /** How long it takes from this time, ms, until one more may pass: whole ms, 0 when it may. */
  waitFor(now: number): number {
    this.#thousandths = Math.min(this.#most, this.#thousandths + (now - this.#at) * this.#perSecond);
    this.#at = now;
    return this.#thousandths >= ONE ? 0 : Math.ceil((ONE - this.#thousandths) / this.#perSecond);
  }
}
