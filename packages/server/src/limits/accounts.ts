import type { RelayPace } from 'wsproxy-protocol';
import type { User } from '../users/user.js';
import type { LimitName, Limits } from './limits.js';
import { RateBucket } from './rate-bucket.js';

/** What one user has going on, in all sessions; kept while the server runs, whatever becomes of the rules. */
export class Account {
  channels = 0;
  readonly #up: RateBucket;
  readonly #down: RateBucket;
  #bytes = 0;
  /** The calendar month that `bytes` counts for ends then, by the time of day. */
  #monthEnd = Number.NEGATIVE_INFINITY;

  constructor(now: number) {
    this.#up = new RateBucket(undefined, now);
    this.#down = new RateBucket(undefined, now);
  }

  setRates(up: number | undefined, down: number | undefined, now: number): void {
    this.#up.setRate(up, now);
    this.#down.setRate(down, now);
  }

  spendUp(bytes: number, now: number): number {
    this.#bytes += bytes;
    return this.#up.spend(bytes, now);
  }

  spendDown(bytes: number, now: number): number {
    this.#bytes += bytes;
    return this.#down.spend(bytes, now);
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

/** What is counted, for each user by id and for all of them, and what that allows. */
export class Accounts {
  readonly #limits: Limits;
  readonly #time: Time;
  readonly #byUser = new Map<string, Account>();
  #channels = 0;

  constructor(limits: Limits, time: Time) {
    this.#limits = limits;
    this.#time = time;
  }

  /** The account of `user`, with the rates that hold for it now. */
  of(user: User): Account {
    const now = this.#time.now();
    const account = this.#byUser.get(user.id) ?? new Account(now);
    this.#byUser.set(user.id, account);
    const { rateUp, rateDown } = this.#ratesOf(user);
    account.setRates(rateUp || undefined, rateDown || undefined, now);
    return account;
  }

  /** The limit that keeps `user` from beginning another channel, its value, and whether it is the user's own. */
  refusal(user: User): { limit: LimitName; value: number; ofUser: boolean } | undefined {
    const { channels } = this.#limits;
    const own = user.limits?.channels ?? Number.POSITIVE_INFINITY;
    if (this.of(user).channels >= own) return { limit: 'channels', value: own, ofUser: true };
    if (this.#channels >= channels) return { limit: 'channels', value: channels, ofUser: false };
    const monthly = this.#monthlyBytes(user);
    if (this.of(user).bytesThisMonth(this.#time.wallTime()) >= monthly) {
      return { limit: 'monthlyBytes', value: monthly, ofUser: true };
    }
    return undefined;
  }

  /** A channel of `user` begins; call what is returned once when it is over. */
  beginChannel(user: User): () => void {
    const account = this.of(user);
    account.channels += 1;
    this.#channels += 1;
    return () => {
      account.channels -= 1;
      this.#channels -= 1;
    };
  }

  /** For one relay of `user`. */
  paceOf(user: User, events: PaceEvents): RelayPace {
    const account = this.of(user);
    const rates = this.#ratesOf(user);
    const time = this.#time;
    const monthly = this.#monthlyBytes(user);
    let isSpent = false;
    const slowed = { rateUp: false, rateDown: false };
    const check = (limit: 'rateUp' | 'rateDown', wait: number): number => {
      if (wait > 0 && !slowed[limit]) {
        slowed[limit] = true;
        events.onSlowed(limit, rates[limit]);
      }
      if (!isSpent && account.bytesThisMonth(time.wallTime()) >= monthly) {
        isSpent = true;
        events.onSpent(monthly);
      }
      return wait;
    };
    return {
      toSocket: (bytes) => check('rateUp', account.spendUp(bytes, time.now())),
      fromSocket: (bytes) => check('rateDown', account.spendDown(bytes, time.now())),
    };
  }

  #ratesOf({ limits = {} }: User): { rateUp: number; rateDown: number } {
    const { bytesPerSecondUp, bytesPerSecondDown } = limits;
    return {
      rateUp: bytesPerSecondUp ?? this.#limits.rateUp,
      rateDown: bytesPerSecondDown ?? this.#limits.rateDown,
    };
  }

  #monthlyBytes(user: User): number {
    return user.limits?.monthlyBytes || this.#limits.monthlyBytes || Number.POSITIVE_INFINITY;
  }
}
