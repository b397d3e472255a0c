import type { ProcessBudgets } from 'wsproxy-protocol';
import { RateBucket } from './rate-bucket.js';

/** What one user has going on, in all sessions; kept while the server runs, whatever becomes of the rules. */
export class Account {
  /** Channels, those of which only the socket is left among them. */
  channels = 0;
  /** Sockets of destinations. */
  sockets = 0;
  /** Its share of the memory, once it has a session. */
  memory: ProcessBudgets | undefined;
  readonly up: RateBucket;
  readonly down: RateBucket;
  #bytes = 0;
  /** The calendar month that `bytes` counts for ends then, by the time of day. */
  #monthEnd = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.up = new RateBucket(undefined, now);
    this.down = new RateBucket(undefined, now);
  }

  /** Bytes a second, undefined for none; also for what is under way. */
  setRates(up: number | undefined, down: number | undefined, now: number): void {
    this.up.setRate(up, now);
    this.down.setRate(down, now);
  }

  /** Takes note of `bytes`; for how long whoever carried them in the direction of `bucket` is to wait, ms. */
  spend(bucket: RateBucket, bytes: number, now: number): number {
    this.#bytes += bytes;
    return bucket.spend(bytes, now);
  }

  /** Bytes of both ways in the calendar month (UTC) of `wallTime`, as far as this process has seen them. */
  bytesThisMonth(wallTime: number): number {
    if (wallTime >= this.#monthEnd) {
      // At first there is no month yet, and what was counted is of this one.
      if (this.#monthEnd !== Number.NEGATIVE_INFINITY) this.#bytes = 0;
      const date = new Date(wallTime);
      this.#monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    }
    return this.#bytes;
  }
}
