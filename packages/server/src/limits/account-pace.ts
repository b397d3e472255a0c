import type { RelayPace } from 'wsproxy-protocol';
import type { Account } from './account.js';
import type { RateBucket } from './rate-bucket.js';

type Rate = 'rateUp' | 'rateDown';

/** Who is told what the bytes of a relay come up against. */
export interface PaceEvents {
  /** The bytes of the month are used up; told once. */
  onSpent(monthlyBytes: number): void;
  /** A rate has made the relay wait; told once for each direction. */
  onSlowed(limit: Rate, rate: number): void;
}

/** Time as an argument: `now` only ever grows, `wallTime` is the time of day; both in ms. */
export interface Time {
  now(): number;
  wallTime(): number;
}

/** One for all relays that none has. */
const NONE: readonly Rate[] = [];

/** Paces one relay by the account of its user. */
export class AccountPace implements RelayPace {
  readonly #account: Account;
  readonly #monthlyBytes: number;
  readonly #time: Time;
  readonly #events: PaceEvents;
  #isSpent = false;
  /** The rates that have made it wait. */
  #slowedBy: readonly Rate[] = NONE;

  /** `monthlyBytes`: what it may carry of the month's; Infinity for all. */
  constructor(account: Account, monthlyBytes: number, time: Time, events: PaceEvents) {
    this.#account = account;
    this.#monthlyBytes = monthlyBytes;
    this.#time = time;
    this.#events = events;
  }

  toSocket(bytes: number): number {
    return this.#spend('rateUp', this.#account.up, bytes);
  }

  fromSocket(bytes: number): number {
    return this.#spend('rateDown', this.#account.down, bytes);
  }

  #spend(limit: Rate, bucket: RateBucket, bytes: number): number {
    const wait = this.#account.spend(bucket, bytes, this.#time.now());
    if (wait > 0 && !this.#slowedBy.includes(limit)) {
      this.#slowedBy = [...this.#slowedBy, limit];
      this.#events.onSlowed(limit, bucket.rate);
    }
    if (!this.#isSpent && this.#account.bytesThisMonth(this.#time.wallTime()) >= this.#monthlyBytes) {
      this.#isSpent = true;
      this.#events.onSpent(this.#monthlyBytes);
    }
    return wait;
  }
}
