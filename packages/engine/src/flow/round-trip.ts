/** How long a sample counts at least, ms; at most twice as long. */
const HALF_LIFE = 5_000;

/** The lowest round trip of the last seconds: the path's own length, without the queues that stand in it at times. */
export class RoundTrip {
  #current = Number.POSITIVE_INFINITY;
  #previous = Number.POSITIVE_INFINITY;
  #since = 0;
  #latest = 0;

  /** In ms; Infinity while unknown. */
  get lowest(): number {
    return Math.min(this.#current, this.#previous);
  }

  /** The last sample, queues included; 0 while unknown. */
  get latest(): number {
    return this.#latest;
  }

  note(sample: number, now: number): void {
    const age = now - this.#since;
    if (age >= HALF_LIFE) {
      this.#previous = age < 2 * HALF_LIFE ? this.#current : Number.POSITIVE_INFINITY;
      this.#current = Number.POSITIVE_INFINITY;
      this.#since = now;
    }
    this.#current = Math.min(this.#current, sample);
    this.#latest = sample;
  }
}
