import type { User } from '../users/user.js';
import { Account } from './account.js';
import { AccountPace, type PaceEvents, type Time } from './account-pace.js';
import type { LimitName, Limits } from './limits.js';

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
    const { bytesPerSecondUp = this.#limits.rateUp, bytesPerSecondDown = this.#limits.rateDown } = user.limits ?? {};
    account.setRates(bytesPerSecondUp || undefined, bytesPerSecondDown || undefined, now);
    return account;
  }

  /** The limit that keeps `user` from beginning another channel, its value, and whether it is the user's own. */
  refusal(user: User): { limit: LimitName; value: number; ofUser: boolean } | undefined {
    const { channels } = this.#limits;
    const account = this.of(user);
    const own = user.limits?.channels ?? Number.POSITIVE_INFINITY;
    if (account.channels >= own) return { limit: 'channels', value: own, ofUser: true };
    if (this.#channels >= channels) return { limit: 'channels', value: channels, ofUser: false };
    const monthly = this.#monthlyBytes(user);
    if (account.bytesThisMonth(this.#time.wallTime()) < monthly) return undefined;
    return { limit: 'monthlyBytes', value: monthly, ofUser: true };
  }

  /** A channel of `user` begins; what is returned is for `endChannel`. */
  beginChannel(user: User): Account {
    const account = this.of(user);
    account.channels += 1;
    this.#channels += 1;
    return account;
  }

  /** It is over. */
  endChannel(account: Account): void {
    account.channels -= 1;
    this.#channels -= 1;
  }

  /** For one relay of `user`. */
  paceOf(user: User, events: PaceEvents): AccountPace {
    return new AccountPace(this.of(user), this.#monthlyBytes(user), this.#time, events);
  }

  #monthlyBytes({ limits = {} }: User): number {
    return limits.monthlyBytes || this.#limits.monthlyBytes || Number.POSITIVE_INFINITY;
  }
}
