/** Those who wait to be dialled in one session, who came first ahead, and how many are being dialled. `now` in ms. */
export class DialQueue<T> {
  readonly #pendingDials: number;
  readonly #longestWait: number;
  /** Since when each of them waits, the first one ahead. */
  readonly #waiting = new Map<T, number>();
  #dialling = 0;

  /** `pendingDials`: dials at a time; `longestWait`: for a turn, ms. */
  constructor(pendingDials: number, longestWait: number) {
    this.#pendingDials = pendingDials;
    this.#longestWait = longestWait;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** As many are being dialled as may be. */
  get isFull(): boolean {
    return this.#dialling >= this.#pendingDials;
  }

  has(one: T): boolean {
    return this.#waiting.has(one);
  }

  add(one: T, now: number): void {
    this.#waiting.set(one, now);
  }

  /** `one` does not wait any more, if it did. */
  remove(one: T): void {
    this.#waiting.delete(one);
  }

  /** Takes out the first one, if the session may dial one more; `begin` has to follow. */
  takeNext(): T | undefined {
    if (this.isFull) return undefined;
    const [first] = this.#waiting.keys();
    if (first !== undefined) this.#waiting.delete(first);
    return first;
  }

  /** One more is being dialled, until `end`. */
  begin(): void {
    this.#dialling += 1;
  }

  end(): void {
    this.#dialling -= 1;
  }

  /** Takes out the first one, if it has waited for too long. */
  takeLate(now: number): T | undefined {
    const [first] = this.#waiting;
    if (first === undefined || now - first[1] < this.#longestWait) return undefined;
    this.#waiting.delete(first[0]);
    return first[0];
  }

  /** When the first one will have waited for too long; Infinity when nobody waits. */
  get lateAt(): number {
    const [since = Number.POSITIVE_INFINITY] = this.#waiting.values();
    return since + this.#longestWait;
  }
}
