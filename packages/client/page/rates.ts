/** What rates are derived from. */
export interface Counted {
  readonly clockMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Seconds that are kept. */
export const SPAN = 120;

type Series = (number | null)[];

/** Bytes a second of the last two minutes, newest last; null where nothing is known. */
export class Rates {
  readonly down: Series = new Array<null>(SPAN).fill(null);
  readonly up: Series = new Array<null>(SPAN).fill(null);
  #last: Counted | undefined;

  add(counted: Counted): void {
    const last = this.#last;
    this.#last = counted;
    if (last === undefined) return;
    const seconds = (counted.clockMs - last.clockMs) / 1_000;
    const [down, up] = [counted.bytesDown - last.bytesDown, counted.bytesUp - last.bytesUp];
    // A client that was started again counts from the beginning.
    const isSame = seconds > 0 && down >= 0 && up >= 0;
    shift(this.down, isSame ? down / seconds : null);
    shift(this.up, isSame ? up / seconds : null);
  }

  /** The client is away: what it has done until it is back is not known. */
  interrupt(): void {
    this.#last = undefined;
    shift(this.down, null);
    shift(this.up, null);
  }
}

function shift(series: Series, value: number | null): void {
  series.shift();
  series.push(value);
}
