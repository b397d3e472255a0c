/** Kept in thousandths, so that a whole rate brings whole numbers of them in whole milliseconds. */
const ONE = 1_000;

/**
 * Holds a rate by debt: anyone who may take something takes all of it, and the next one waits until that is paid. However
 * late a timer is, the next wait is the shorter for it. Times are in ms.
 */
export class RateBucket {
  #rate: number;
  #burst: number;
  /** What is saved up; below 0 what is owed. */
  #thousandths = 0;
  #at: number;

  /** `rate`: what may be taken each second, Infinity for no bound; `burst`: what may be saved up while nobody takes it. */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#at = now;
  }

  /** For what passes one by one: `burst` of them at once, and so many each second after that. */
  static ofOnes(perSecond: number, burst: number): RateBucket {
    // The last one of a burst needs nothing saved up, and the first one comes after a long time of saving.
    return new RateBucket(perSecond, burst - 1, Number.NEGATIVE_INFINITY);
  }

  get rate(): number {
    return this.#rate;
  }

  /** What is owed stays, and is paid at the new rate. */
  setRate(rate: number, burst: number, now: number): void {
    this.#refill(now, this.#burst);
    this.#rate = rate;
    this.#burst = burst;
    if (rate === Number.POSITIVE_INFINITY) this.#thousandths = 0;
  }

  /** For how long nobody is to take more. `burst`: what may be saved up, if it is another this time. */
  waitFor(now: number, burst: number = this.#burst): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0;
    this.#refill(now, burst);
    return Math.max(0, -this.#thousandths / this.#rate);
  }

  /** So much was taken, no matter what is owed. */
  spend(amount: number, now: number): void {
    if (this.#rate === Number.POSITIVE_INFINITY) return;
    this.#refill(now, this.#burst);
    this.#thousandths -= amount * ONE;
  }

  /** So much of what was spent was not taken after all. */
  giveBack(amount: number, now: number): void {
    if (this.#rate === Number.POSITIVE_INFINITY) return;
    this.#refill(now, this.#burst);
    this.#thousandths = Math.min(this.#burst * ONE, this.#thousandths + amount * ONE);
  }

  /** Whether so much may be taken: then it is. */
  take(amount: number, now: number): boolean {
    if (this.waitFor(now) > 0) return false;
    this.spend(amount, now);
    return true;
  }

  #refill(now: number, burst: number): void {
    const time = now - this.#at;
    this.#at = now;
    if (time === 0 || this.#rate === Number.POSITIVE_INFINITY) return;
    this.#thousandths = Math.min(burst * ONE, this.#thousandths + time * this.#rate);
  }
}
