/** How long a datagram may wait when there is no reason for it, and for how long all may wait longer, ms. */
const TARGET = 20;
const INTERVAL = 100;
/** With no more than this left behind it, bytes, nothing stands in the way of anybody. */
const LITTLE = 1_500;
/** Dropping that was needed a moment ago goes on as fast as it had come to be, ms. */
const RECENT = 16 * INTERVAL;

/**
 * Which datagrams to drop of those that leave a queue: CoDel (RFC 8289 section 5). A burst passes, but a queue that stands is
 * shortened, with more and more drops until anyone who fills it slows down. Times in ms, by any clock.
 */
export class CoDel {
  /** When all will have waited for too long; undefined while one has not. */
  #aboveSince: number | undefined;
  #isDropping = false;
  #next = 0;
  #count = 0;
  #lastCount = 0;

  /** Whether to drop one that leaves after `wait`, with `left` bytes behind it. */
  drops(wait: number, left: number, now: number): boolean {
    const isLate = this.#isLate(wait, left, now);
    if (!isLate) this.#isDropping = false;
    else if (!this.#isDropping) this.#begin(now);
    else if (now < this.#next) return false;
    else this.#dropNext(this.#next);
    return isLate;
  }

  /** Nothing waits. */
  rest(): void {
    this.#aboveSince = undefined;
    this.#isDropping = false;
  }

  #isLate(wait: number, left: number, now: number): boolean {
    if (wait < TARGET || left <= LITTLE) {
      this.#aboveSince = undefined;
      return false;
    }
    this.#aboveSince ??= now;
    return now - this.#aboveSince >= INTERVAL;
  }

  #begin(now: number): void {
    const recent = this.#count - this.#lastCount;
    this.#count = recent > 1 && now - this.#next < RECENT ? recent - 1 : 0;
    this.#isDropping = true;
    this.#dropNext(now);
    this.#lastCount = this.#count;
  }

  #dropNext(now: number): void {
    this.#count += 1;
    this.#next = now + INTERVAL / Math.sqrt(this.#count);
  }
}
