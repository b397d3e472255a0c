import { LONGEST_TIME } from 'wsproxy-node/options';

/** How much may go at once before the rate counts, as time at the full rate, ms. */
const BURST = 100;
/** The same while somebody waits all the time, and the timer alone is late, ms. */
const LATE = 1_000;
/** A shorter wait is not worth a timer: it is paid with the next one, ms. */
const SHORTEST_WAIT = 5;

/**
 * Holds a rate by debt: whoever may take something takes all of it, and the next one waits until that is paid. However
 * late a timer is, the next wait is the shorter for it.
 */
export class RateBucket {
  #rate: number | undefined;
  #tokens = 0;
  #at: number;

  /** `rate` in bytes a second; undefined for none. `now` in ms, as for `spend`. */
  constructor(rate: number | undefined, now: number) {
    this.#rate = rate;
    this.#at = now;
  }

  /** Bytes a second; Infinity for none. */
  get rate(): number {
    return this.#rate ?? Number.POSITIVE_INFINITY;
  }

  /** What is owed stays, and is paid at the new rate. */
  setRate(rate: number | undefined, now: number): void {
    if (rate === this.#rate) return;
    this.#refill(now);
    this.#rate = rate;
    if (rate === undefined) this.#tokens = 0;
  }

  /** `bytes` were taken, whatever is owed. */
  spend(bytes: number, now: number): void {
    if (this.#rate === undefined) return;
    this.#refill(now);
    this.#tokens -= bytes;
  }

  /** For how long nobody is to take more, ms. `isAwaited`: somebody has waited since the last time. */
  waitFor(now: number, isAwaited = false): number {
    if (this.#rate === undefined) return 0;
    this.#refill(now, isAwaited ? LATE : BURST);
    const wait = (-this.#tokens / this.#rate) * 1_000;
    return wait < SHORTEST_WAIT ? 0 : Math.min(wait, LONGEST_TIME);
  }

  #refill(now: number, saved = BURST): void {
    if (now === this.#at) return;
    const rate = this.#rate ?? 0;
    this.#tokens = Math.min((rate * saved) / 1_000, this.#tokens + (rate * (now - this.#at)) / 1_000);
    this.#at = now;
  }
}
