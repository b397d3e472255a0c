import type { Clock } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { Account } from './account.js';
import { AccountPace, type PaceEvents } from './account-pace.js';
import type { LimitName, Limits } from './limits.js';
import type { SocketBudget } from './socket-budget.js';

/** What is counted, for each user by id and for all of them, and what that allows. */
export class Accounts {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #sockets: SocketBudget;
  readonly #isShared: () => boolean;
  readonly #byUser = new Map<string, Account>();
  readonly #wallTime: () => number;
  #channels = 0;

  /** `isShared`: more than one user may come in, so that each has a share of what there is for all, and no more. */
  constructor(limits: Limits, clock: Clock, sockets: SocketBudget, isShared: () => boolean = () => false) {
    this.#limits = limits;
    this.#clock = clock;
    this.#wallTime = () => clock.wallTime();
    this.#sockets = sockets;
    this.#isShared = isShared;
  }

  /** Of all users. */
  get channels(): number {
    return this.#channels;
  }

  /** What one user may have of `whole`, which is there for all: half, so that nobody takes everything from the others. */
  shareOf(whole: number): number {
    return this.#isShared() ? Math.ceil(whole / 2) : whole;
  }

  /** The account of `user`, with the rates that hold for it now. */
  of(user: User): Account {
    const account = this.#byUser.get(user.id) ?? new Account(this.#clock);
    this.#byUser.set(user.id, account);
    const { bytesPerSecondUp = this.#limits.rateUp, bytesPerSecondDown = this.#limits.rateDown } = user.limits ?? {};
    account.setRates(bytesPerSecondUp || undefined, bytesPerSecondDown || undefined);
    return account;
  }

  /** What keeps `user` from beginning another channel. */
  channelLimit(user: User): LimitHit | undefined {
    const { channels } = this.#limits;
    const account = this.of(user);
    const own = Math.min(user.limits?.channels ?? Number.POSITIVE_INFINITY, this.shareOf(channels));
    if (account.channels >= own && own < channels) return { limit: 'channels', value: own, ofUser: true };
    if (this.#channels >= channels) return { limit: 'channels', value: channels, ofUser: false };
    const monthly = this.#monthlyBytes(user);
    if (account.bytesThisMonth(this.#clock.wallTime()) < monthly) return undefined;
    return { limit: 'monthlyBytes', value: monthly, ofUser: true };
  }

  /** A channel of `user` begins; what is returned is for `endChannel`. */
  beginChannel(user: User): Account {
    const account = this.of(user);
    account.channels += 1;
    this.#channels += 1;
    return account;
  }

  /** Nothing is left of it. */
  endChannel(account: Account): void {
    account.channels -= 1;
    this.#channels -= 1;
  }

  /** Takes a place for the socket of a destination, or says what is in the way. */
  takeSocket(account: Account): LimitHit | undefined {
    const { limit, forDestinations } = this.#sockets;
    const own = this.shareOf(forDestinations);
    if (account.sockets >= own && own < forDestinations) return { limit: 'sockets', value: own, ofUser: true };
    if (!this.#sockets.takeDestination()) return { limit: 'sockets', value: limit, ofUser: false };
    account.sockets += 1;
    return undefined;
  }

  /** The dial has come to nothing, or the socket is closed. */
  releaseSocket(account: Account): void {
    account.sockets -= 1;
    this.#sockets.releaseDestination();
  }

  /** For one relay of `user`. */
  paceOf(user: User, events: PaceEvents): AccountPace {
    return new AccountPace(this.of(user), this.#monthlyBytes(user), this.#wallTime, events);
  }

  #monthlyBytes({ limits = {} }: User): number {
    return limits.monthlyBytes || this.#limits.monthlyBytes || Number.POSITIVE_INFINITY;
  }
}

/** A limit that is in the way, its value, and whether it is that of one user. */
export interface LimitHit {
  readonly limit: LimitName;
  readonly value: number;
  readonly ofUser: boolean;
}
