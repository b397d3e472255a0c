/** The mean rate of two counts over the last seconds: steady enough to be read, and 0 once nothing moves. */
export class Meter {
  /** Time, up and down of one look after the other, in a ring. */
  readonly #looks = new Float64Array(3 * LOOKS);
  #count = 0;

  /** `now` in ms, which never goes back; the counts never shrink. */
  add(now: number, up: number, down: number): void {
    this.#looks.set([now, up, down], 3 * (this.#count % LOOKS));
    this.#count += 1;
  }

  /** Bytes a second. */
  get rates(): Rates {
    const [from, fromUp, fromDown] = this.#look(Math.max(0, this.#count - LOOKS));
    const [to, toUp, toDown] = this.#look(this.#count - 1);
    const seconds = (to - from) / 1_000;
    if (!(seconds > 0)) return STILL;
    return { rateUp: Math.round((toUp - fromUp) / seconds), rateDown: Math.round((toDown - fromDown) / seconds) };
  }

  #look(index: number): readonly [time: number, up: number, down: number] {
    const at = 3 * (index % LOOKS);
    return [this.#looks[at] ?? 0, this.#looks[at + 1] ?? 0, this.#looks[at + 2] ?? 0];
  }
}

/** Bytes a second. */
export interface Rates {
  readonly rateUp: number;
  readonly rateDown: number;
}

export const STILL: Rates = { rateUp: 0, rateDown: 0 };

/** One a second: a mean over five seconds. */
export const LOOKS = 6;
