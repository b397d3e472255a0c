import type { Point } from '../../page/news.js';

/**
 * What flowed in the last hour, in two spans: each second of the last two minutes, and each ten seconds of the hour. It takes
 * 480 points, however long it goes on.
 */
export class History {
  readonly seconds: Span = new Span(1_000, 120);
  readonly tens: Span = new Span(10_000, 360);
  #last: Look | undefined;

  /** A look at the sums, about once a second. */
  add(look: Look): void {
    const last = this.#last;
    this.#last = look;
    if (last === undefined || look.now <= last.now) return;
    const flow: Flow = {
      from: last.now,
      to: look.now,
      down: look.bytesDown - last.bytesDown,
      up: look.bytesUp - last.bytesUp,
      isAway: !look.isOnline,
    };
    this.seconds.add(flow);
    this.tens.add(flow);
  }
}

/** What has flowed so far. */
export interface Look {
  /** By a clock that does not jump, ms. */
  readonly now: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly isOnline: boolean;
}

interface Flow {
  /** ms. */
  readonly from: number;
  readonly to: number;
  /** Bytes. */
  readonly down: number;
  readonly up: number;
  readonly isAway: boolean;
}

/** The last steps of time, as many as there is room for. Looks need not come at their borders: a flow is shared out by time. */
export class Span {
  readonly #width: number;
  readonly #points: Point[] = [];
  readonly #size: number;
  /** The step that is not over: its number since the clock began, and what has come so far. */
  #step = -1;
  #down = 0;
  #up = 0;
  #isAway = false;
  #closed = 0;

  /** `width` of a step in ms; `size` is how many are kept. */
  constructor(width: number, size: number) {
    this.#width = width;
    this.#size = size;
  }

  /** Steps that are over, those that are forgotten included. */
  get closed(): number {
    return this.#closed;
  }

  /** Those that were over when `closed` was `than`, and are kept, left out; oldest first. */
  newer(than: number): readonly Point[] {
    const count = Math.min(this.#closed - than, this.#points.length);
    return count === 0 ? [] : this.#points.slice(-count);
  }

  add({ from, to, down, up, isAway }: Flow): void {
    const reach = this.#width * this.#size;
    // Nobody would see what is older.
    let at = Math.max(from, to - reach);
    const [downPerMs, upPerMs] = [down / (to - from), up / (to - from)];
    if (this.#step < 0 || at > from) this.#begin(Math.floor(at / this.#width));
    while (at < to) {
      const border = (this.#step + 1) * this.#width;
      const until = Math.min(to, border);
      this.#down += downPerMs * (until - at);
      this.#up += upPerMs * (until - at);
      this.#isAway ||= isAway;
      at = until;
      if (at === border) this.#close();
    }
  }

  #begin(step: number): void {
    this.#step = step;
    this.#down = 0;
    this.#up = 0;
    this.#isAway = false;
  }

  #close(): void {
    const perSecond = 1_000 / this.#width;
    this.#points.push([Math.round(this.#down * perSecond), Math.round(this.#up * perSecond), this.#isAway ? 1 : 0]);
    if (this.#points.length > this.#size) this.#points.shift();
    this.#closed += 1;
    this.#begin(this.#step + 1);
  }
}
