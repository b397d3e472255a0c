/**
 * Finds out whether somebody on the way cuts transports at a regular age, as some proxies do with everything that lives longer than they
 * allow. Then a session can go on with the next transport before that. Chance makes ages similar, too, and somebody who cuts may stop doing
 * so, and a transport that is not left to grow old never shows it: so from time to time one is.
 */
export class CutAges {
  /** Of the last ones that were cut, ms. */
  #ages: readonly number[] = [];
  /** When the last one of these was cut, by the clock. */
  #cutAt = Number.NEGATIVE_INFINITY;
  /** What the last cut said is trusted for so many of these ages. */
  #trust = FIRST_TRUST;

  /** A transport was cut at this age, ms; `now` by the clock. */
  onCut(age: number, now: number): void {
    const isTogether = now - this.#cutAt < SHORTEST;
    // What ends one transport of several that began together ends them all: that says no more than the end of one.
    if (isTogether && areSimilar([...this.#ages.slice(-1), age])) return;
    const wasRegular = this.#isRegular;
    this.#cutAt = now;
    this.#ages = [...this.#ages, age].slice(-ENOUGH);
    this.#trust = wasRegular && this.#isRegular ? 2 * this.#trust : FIRST_TRUST;
  }

  /** How old a transport that begins now may be, ms; infinite where cuts have nothing regular, or had it long ago. */
  safeAge(now: number): number {
    const least = Math.min(...this.#ages);
    const isTrusted = this.#isRegular && now - this.#cutAt < this.#trust * least;
    return isTrusted ? least * SHARE : Number.POSITIVE_INFINITY;
  }

  get #isRegular(): boolean {
    return this.#ages.length === ENOUGH && Math.min(...this.#ages) >= SHORTEST && areSimilar(this.#ages);
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
/** Doubled with each cut that shows it again. */
const FIRST_TRUST = 10;
/** What is cut sooner has other reasons, and too many transports are no cure, ms. */
const SHORTEST = 2_000;
