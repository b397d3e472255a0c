/**
 * Finds out whether somebody on the way cuts transports at a regular age, as some proxies do with everything that lives longer than they
 * allow. Then a session can go on with the next transport before that.
 */
export class CutAges {
  /** Of the last ones that were cut, ms. */
  #ages: readonly number[] = [];
  /** When the last one of these was cut, by the clock. */
  #cutAt = Number.NEGATIVE_INFINITY;

  /** A transport was cut at this age, ms; `now` by the clock. */
  onCut(age: number, now: number): void {
    const isTogether = now - this.#cutAt < SHORTEST;
    // What ends one transport of several that began together ends them all: that says no more than the end of one.
    if (isTogether && areSimilar([...this.#ages.slice(-1), age])) return;
    this.#cutAt = now;
    this.#ages = [...this.#ages, age].slice(-ENOUGH);
  }

  /** How old a transport may be, ms; infinite where cuts have nothing regular. */
  get safeAge(): number {
    const least = Math.min(...this.#ages);
    const isRegular = this.#ages.length === ENOUGH && least >= SHORTEST && areSimilar(this.#ages);
    return isRegular ? least * SHARE : Number.POSITIVE_INFINITY;
  }
}

function areSimilar(ages: readonly number[]): boolean {
  const most = Math.max(...ages);
  return most - Math.min(...ages) <= most * SPREAD;
}

/** So many of similar age. */
const ENOUGH = 3;
/** They are similar if they differ by no more than this share of the oldest. */
const SPREAD = 0.1;
/** Of the age at which they are cut. */
const SHARE = 0.8;
/** What is cut sooner has other reasons, and too many transports are no cure, ms. */
const SHORTEST = 2_000;
