import { MAX_BODY } from './part.js';

/**
 * How much the next body with an end carries: as much as takes about a second, so that nothing waits long behind it, and no more than
 * the way is known to take. It begins small, doubles as long as all goes well, and becomes half after a failure.
 */
export class BodySize {
  #bytes: number;
  /** One that carried so much has failed; infinite: none has since a larger one was tried. */
  #refused = Number.POSITIVE_INFINITY;
  /** Full ones that must pass before so much is tried again. */
  #needed = FIRST_NEEDED;
  /** Full ones that have passed since. */
  #passed = 0;
  /** What was refused once is being tried again. */
  #isTrial = false;
  /** How long the quickest one took, ms: hardly more than a round trip. */
  #quickest = Number.POSITIVE_INFINITY;

  /** `first`: of the first body, bytes. */
  constructor(first: number) {
    this.#bytes = first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What no proxy refuses, bytes. */
  get smallest(): number {
    return SMALLEST;
  }

  /** Another transport begins: its path may be a longer one. */
  begin(): void {
    this.#quickest = Number.POSITIVE_INFINITY;
  }

  /** One has passed. `carried`: bytes; `took`: from its beginning until that was known, ms. */
  onPassed(carried: number, took: number): void {
    this.#quickest = Math.min(this.#quickest, took);
    const goal = Math.min(LONGEST, Math.max(GOAL, ROUND_TRIPS * this.#quickest));
    if (took > goal) this.#shrink(carried, goal / took);
    else if (carried >= this.#bytes) this.#onFull(took <= goal / 2);
  }

  /** One has not passed, or is late: somebody on the way may take no body as large as that. */
  onFailed(carried: number): void {
    if (carried <= SMALLEST) return;
    this.#refused = Math.min(this.#refused, carried);
    this.#bytes = Math.min(this.#bytes, Math.max(SMALLEST, Math.floor(carried / 2)));
    this.#passed = 0;
    this.#isTrial = false;
  }

  #shrink(carried: number, factor: number): void {
    if (carried <= SMALLEST) return;
    const fitting = Math.max(carried * factor, this.#bytes / 4, SMALLEST);
    this.#bytes = Math.min(this.#bytes, Math.floor(fitting));
  }

  #onFull(isQuick: boolean): void {
    if (this.#isTrial) this.#needed = FIRST_NEEDED;
    this.#isTrial = false;
    this.#passed += 1;
    const next = Math.min(MAX_BODY, 2 * this.#bytes);
    if (!isQuick || next === this.#bytes) return;
    if (next >= this.#refused) {
      if (this.#passed < this.#needed) return;
      this.#needed = Math.min(MOST_NEEDED, 2 * this.#needed);
      this.#refused = Number.POSITIVE_INFINITY;
      this.#isTrial = true;
    }
    this.#passed = 0;
    this.#bytes = next;
  }
}

const SMALLEST = 1_024;
/** What one may take, ms, or so many round trips: on a long path the waiting is not for the bytes. */
const GOAL = 1_000;
const ROUND_TRIPS = 5;
const LONGEST = 5_000;
const FIRST_NEEDED = 16;
/** With a limit that stays, one in so many is lost. */
const MOST_NEEDED = 4_096;
