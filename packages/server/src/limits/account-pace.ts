import type { RelayPace } from 'wsproxy-protocol';
import type { Account } from './account.js';
import type { RateBucket } from './rate-bucket.js';

/** Who is told what the bytes of a relay come up against. */
export interface PaceEvents {
  /** The bytes of the month are used up; told once. */
  onSpent(monthlyBytes: number): void;
  /** A rate has made the relay wait; told once for each direction. */
  onSlowed(limit: 'rateUp' | 'rateDown', rate: number): void;
}

/** Time as an argument: `now` only ever grows, `wallTime` is the time of day; both in ms. */
export interface Time {
  now(): number;
  wallTime(): number;
}

/** Paces one relay by the account of its user. */
export class AccountPace implements RelayPace {
  readonly #account: Account;
  readonly #monthlyBytes: number;
  readonly #time: Time;
  readonly #events: PaceEvents;
  #isSpent = false;
  #wasSlowedUp = false;
  #wasSlowedDown = false;

  /** `monthlyBytes`: what it may carry of the month's; Infinity for all. */
  constructor(account: Account, monthlyBytes: number, time: Time, events: PaceEvents) {
    this.#account = account;
    this.#monthlyBytes = monthlyBytes;
    this.#time = time;
    this.#events = events;
  }

  toSocket(bytes: number): number {
    const { up } = this.#account;
    const wait = this.#spend(up, bytes);
    if (wait > 0 && !this.#wasSlowedUp) {
      this.#wasSlowedUp = true;
      this.#events.onSlowed('rateUp', up.rate);
    }
    return wait;
  }

  fromSocket(bytes: number): number {
    const { down } = this.#account;
    const wait = this.#spend(down, bytes);
    if (wait > 0 && !this.#wasSlowedDown) {
      this.#wasSlowedDown = true;
      this.#events.onSlowed('rateDown', down.rate);
    }
    return wait;
  }

  #spend(bucket: RateBucket, bytes: number): number {
    const wait = this.#account.spend(bucket, bytes, this.#time.now());
    if (!this.#isSpent && this.#account.bytesThisMonth(this.#time.wallTime()) >= this.#monthlyBytes) {
      this.#isSpent = true;
      this.#events.onSpent(this.#monthlyBytes);
    }
    return wait;
  }
}
