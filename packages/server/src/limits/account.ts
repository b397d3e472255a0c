import { RateBucket } from './rate-bucket.js';

/** What one user may use; undefined is without a limit. Rates in bytes a second. */
export interface Allowance {
  readonly rateUp: number | undefined;
  readonly rateDown: number | undefined;
  readonly monthlyBytes: number | undefined;
}

/** What one user has going on, in all sessions; kept while the server runs, whatever becomes of the rules. */
export class Account {
  channels = 0;
  readonly up: RateBucket;
  readonly down: RateBucket;
  #monthlyBytes = Number.POSITIVE_INFINITY;
  #bytes = 0;
  /** The calendar month that `bytes` counts for ends then, by the time of day. */
  #monthEnd = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.up = new RateBucket(undefined, now);
    this.down = new RateBucket(undefined, now);
  }

  /** In a calendar month (UTC), both ways; Infinity without a limit. */
  get monthlyBytes(): number {
    return this.#monthlyBytes;
  }

  /** Also for what is under way. */
  allow({ rateUp, rateDown, monthlyBytes = Number.POSITIVE_INFINITY }: Allowance, now: number): void {
    this.up.setRate(rateUp, now);
    this.down.setRate(rateDown, now);
    this.#monthlyBytes = monthlyBytes;
  }

  /** Takes note of `bytes`; for how long whoever carried them in the direction of `bucket` is to wait, ms. */
  spend(bucket: RateBucket, bytes: number, now: number): number {
    this.#bytes += bytes;
    return bucket.spend(bytes, now);
  }

  /** Whether the bytes of the month of `wallTime` are used up, as far as this process has seen them. */
  hasSpentMonth(wallTime: number): boolean {
    if (wallTime >= this.#monthEnd) {
      // At first there is no month yet, and what was counted is of this one.
      if (this.#monthEnd !== Number.NEGATIVE_INFINITY) this.#bytes = 0;
      const date = new Date(wallTime);
      this.#monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    }
    return this.#bytes >= this.#monthlyBytes;
  }
}
