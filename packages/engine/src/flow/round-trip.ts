/**
 * The round trip of a session's path, of which there is one: PONGs and acknowledgements tell it, and who needs it asks here.
 * The lowest one of the last seconds is the path's own length, without the queues that stand in it at times.
 */
export class RoundTrip {
  #current = Number.POSITIVE_INFINITY;
  #previous = Number.POSITIVE_INFINITY;
  #since = 0;
  #latest = 0;
  /** What left before tells how long this process stood still, not how long the path is. */
  #validFrom = Number.NEGATIVE_INFINITY;
  /** What is known is of an earlier path, and stands only until the present one has told its own. */
  #isOutdated = false;

  /** In ms; Infinity while unknown. */
  get lowest(): number {
    return Math.min(this.#current, this.#previous);
  }

  /** The last sample, queues included; 0 while unknown. */
  get latest(): number {
    return this.#latest;
  }

  /** Something came back after `sample` ms. */
  note(sample: number, now: number): void {
    if (now - sample < this.#validFrom) return;
    const age = now - this.#since;
    if (this.#isOutdated || age >= HALF_LIFE) {
      const isPreviousValid = !this.#isOutdated && age < 2 * HALF_LIFE;
      this.#previous = isPreviousValid ? this.#current : Number.POSITIVE_INFINITY;
      this.#current = Number.POSITIVE_INFINITY;
      this.#since = now;
      this.#isOutdated = false;
    }
    this.#current = Math.min(this.#current, sample);
    this.#latest = sample;
  }

  /** This process has not run until `now`, for so long that it counts. */
  stoodStill(now: number): void {
    this.#validFrom = now;
    this.#latest = 0;
  }

  /** Another transport may be another path. */
  restart(): void {
    this.#isOutdated = true;
  }
}

/** How long a sample counts at least, ms; at most twice as long. */
const HALF_LIFE = 5_000;
