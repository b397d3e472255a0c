/**
 * Finds out whether somebody on the way cuts transports at a regular age, as some proxies do with everything that lives longer than they
 * allow. Then a session can go on with the next transport before that.
 */
export class CutAges {
  /** Of the last ones that were cut, ms. */
  #ages: readonly number[] = [];

  /** A transport was cut at this age, ms. */
  onCut(age: number): void {
    this.#ages = [...this.#ages, age].slice(-ENOUGH);
  }

  /** How old a transport may be, ms; infinite where cuts have nothing regular. */
  get safeAge(): number {
    const [least, most] = [Math.min(...this.#ages), Math.max(...this.#ages)];
    const isRegular = this.#ages.length === ENOUGH && least >= SHORTEST && most - least <= most * SPREAD;
    return isRegular ? least * SHARE : Number.POSITIVE_INFINITY;
  }
}

/** So many of similar age. */
const ENOUGH = 3;
/** They are similar if they differ by no more than this share of the oldest. */
const SPREAD = 0.1;
/** Of the age at which they are cut. */
const SHARE = 0.8;
/** What is cut sooner has other reasons, and too many transports are no cure, ms. */
const SHORTEST = 2_000;
