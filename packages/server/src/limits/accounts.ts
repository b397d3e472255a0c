import type { User } from '../users/user.js';
import { Account, type Allowance } from './account.js';
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

  /** The account of `user`, with what it is allowed now. */
  of(user: User): Account {
    const now = this.#time.now();
    const account = this.#byUser.get(user.id) ?? new Account(now);
    this.#byUser.set(user.id, account);
    account.allow(this.#allowanceOf(user), now);
    return account;
  }

  /** The limit that keeps `user` from beginning another channel, its value, and whether it is the user's own. */
  refusal(user: User): { limit: LimitName; value: number; ofUser: boolean } | undefined {
    const { channels } = this.#limits;
    const account = this.of(user);
    const own = user.limits?.channels ?? Number.POSITIVE_INFINITY;
    if (account.channels >= own) return { limit: 'channels', value: own, ofUser: true };
    if (this.#channels >= channels) return { limit: 'channels', value: channels, ofUser: false };
    if (account.hasSpentMonth(this.#time.wallTime())) {
      return { limit: 'monthlyBytes', value: account.monthlyBytes, ofUser: true };
    }
    return undefined;
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
    return new AccountPace(this.of(user), this.#time, events);
  }

  #allowanceOf({ limits: own = {} }: User): Allowance {
    const { rateUp, rateDown, monthlyBytes } = this.#limits;
    return {
      rateUp: (own.bytesPerSecondUp ?? rateUp) || undefined,
      rateDown: (own.bytesPerSecondDown ?? rateDown) || undefined,
      monthlyBytes: own.monthlyBytes || monthlyBytes || undefined,
    };
  }
}
