import type { Clock } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { Account, monthEnd } from './account.js';
import { AccountPace, type PaceEvents } from './account-pace.js';
import type { LimitHit } from './limit-hit.js';
import type { Limits } from './limits.js';
import { localPorts } from './local-ports.js';
import type { Answer, SharedPlaces } from './shared-places.js';
import type { SocketBudget } from './socket-budget.js';

/** What is counted, for each user by id and for all of them, and what that allows. */
export class Accounts {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #sockets: SocketBudget;
  readonly #ports: number;
  readonly #isShared: () => boolean;
  /** Undefined for a process that has all places to itself. */
  #shared: SharedPlaces | undefined;
  readonly #byUser = new Map<string, Account>();
  readonly #wallTime: () => number;
  #channels = 0;

  /** `isShared`: more than one user may come in, so that each has a share of what there is for all, and no more. */
  constructor(limits: Limits, clock: Clock, sockets: SocketBudget, isShared: () => boolean = () => false) {
    this.#limits = limits;
    this.#clock = clock;
    this.#wallTime = () => clock.wallTime();
    this.#sockets = sockets;
    this.#ports = limits.portsPerDestination || localPorts();
    this.#isShared = isShared;
  }

  /** Other processes count as well from now on; before anything is counted here. */
  share(shared: SharedPlaces): void {
    this.#shared = shared;
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
    const account = this.#byUser.get(user.id) ?? this.#begin(user.id);
    const { bytesPerSecondUp = this.#limits.rateUp, bytesPerSecondDown = this.#limits.rateDown } = user.limits ?? {};
    account.setRates(bytesPerSecondUp || undefined, bytesPerSecondDown || undefined);
    account.monthlyBytes = this.#monthlyBytes(user);
    return account;
  }

  /** What `user` may carry in this calendar month, and has carried. */
  quotaOf(user: User): Quota {
    const wallTime = this.#clock.wallTime();
    const limit = this.#monthlyBytes(user);
    return {
      bytes: this.of(user).bytesThisMonth(wallTime),
      limit: Number.isFinite(limit) ? limit : undefined,
      endsAt: monthEnd(wallTime),
    };
  }

  /** Bytes of this calendar month, of each user who has carried some. */
  get bytesThisMonth(): ReadonlyMap<string, number> {
    const wallTime = this.#clock.wallTime();
    const counts = [...this.#byUser].map(([id, account]) => [id, account.bytesThisMonth(wallTime)] as const);
    return new Map(counts.filter(([, bytes]) => bytes > 0));
  }

  /** Goes on where another process has stopped, before anything is counted here. */
  restore(bytesThisMonth: ReadonlyMap<string, number>): void {
    for (const [id, bytes] of bytesThisMonth) {
      const account = this.#begin(id);
      account.carried(bytes);
      // From here on they are of the month that it is now.
      account.bytesThisMonth(this.#clock.wallTime());
    }
  }

  #begin(userId: string): Account {
    const spending = this.#shared?.spending;
    const account = new Account(userId, this.#clock, spending);
    this.#byUser.set(userId, account);
    // What was carried elsewhere counts from its answer on.
    spending?.note(account, true);
    return account;
  }

  /** What other processes have against one more session of `user`; `endSession` has to follow when they have nothing. */
  shareSession(user: User): Answer {
    const whole: LimitHit = { limit: 'sessions', value: this.#limits.sessions, ofUser: false };
    return this.#shared?.take('sessions', this.of(user), { own: this.#sessionHit(user), whole });
  }

  #sessionHit(user: User): LimitHit {
    return { limit: 'sessionsPerUser', value: user.limits?.sessions ?? this.#limits.sessionsPerUser, ofUser: true };
  }

  /** The same for one that cannot wait for an answer: one that would have to is against it. */
  shareSessionNow(user: User): LimitHit | undefined {
    const answer = this.shareSession(user);
    if (!(answer instanceof Promise)) return answer;
    void answer.then((hit) => hit === undefined && this.endSession(user));
    return this.#sessionHit(user);
  }

  endSession(user: User): void {
    this.#shared?.give('sessions', this.of(user), true);
  }

  /** What other processes have against one more channel of `user`; undefined, or a promise of that, when it has its place there. */
  shareChannel(user: User): Answer {
    const { channels } = this.#limits;
    const own = Math.min(user.limits?.channels ?? Number.POSITIVE_INFINITY, this.shareOf(channels));
    return this.#shared?.take('channels', this.of(user), {
      own: { limit: 'channels', value: own, ofUser: own < channels },
      whole: { limit: 'channels', value: channels, ofUser: false },
    });
  }

  /** The same for one more flow. */
  shareFlow(user: User): Answer {
    return this.#shared?.take('flows', this.of(user), { own: this.#flowHit(user) });
  }

  /** The same for one more remote listener. */
  shareListener(user: User): Answer {
    return this.#shared?.take('listeners', this.of(user), { own: this.#listenerHit(user) });
  }

  /** What keeps `user` from beginning another channel; `isFree`: one whose bytes do not count in those of the month. */
  channelLimit(user: User, isFree = false): LimitHit | undefined {
    const { channels } = this.#limits;
    const account = this.of(user);
    const own = Math.min(user.limits?.channels ?? Number.POSITIVE_INFINITY, this.shareOf(channels));
    if (account.channels >= own && own < channels) return { limit: 'channels', value: own, ofUser: true };
    if (this.#channels >= channels) return { limit: 'channels', value: channels, ofUser: false };
    return isFree ? undefined : this.#monthLimit(user, account);
  }

  /** What keeps `user` from beginning another flow. */
  flowLimit(user: User): LimitHit | undefined {
    const account = this.of(user);
    const hit = this.#flowHit(user);
    return account.flows >= hit.value ? hit : this.#monthLimit(user, account);
  }

  #flowHit(user: User): LimitHit {
    return { limit: 'flowsPerUser', value: user.limits?.flows ?? this.#limits.flowsPerUser, ofUser: true };
  }

  /** What keeps `user` from having another remote listener. */
  listenerLimit(user: User): LimitHit | undefined {
    const hit = this.#listenerHit(user);
    return this.of(user).listeners < hit.value ? undefined : hit;
  }

  #listenerHit(user: User): LimitHit {
    return { limit: 'listenersPerUser', value: this.mostListeners(user), ofUser: true };
  }

  /** So many remote listeners `user` may have. */
  mostListeners(user: User): number {
    return user.limits?.listeners ?? this.#limits.listenersPerUser;
  }

  #monthLimit(user: User, account: Account): LimitHit | undefined {
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
    this.#shared?.give('channels', account, true);
  }

  /** The same for a flow. */
  endFlow(account: Account): void {
    account.flows -= 1;
    this.#shared?.give('flows', account, false);
  }

  /** The same for a remote listener. */
  endListener(account: Account): void {
    account.listeners -= 1;
    this.#shared?.give('listeners', account, false);
  }

  /** Takes a place for the socket of a destination, or says what is in the way. */
  takeSocket(account: Account): LimitHit | undefined {
    const hit = this.#shareLimit(account);
    if (hit !== undefined) return hit;
    if (!this.#sockets.takeDestination()) return { limit: 'sockets', value: this.#sockets.limit, ofUser: false };
    account.sockets += 1;
    return undefined;
  }

  #shareLimit({ sockets }: Account): LimitHit | undefined {
    const { forDestinations } = this.#sockets;
    const own = this.shareOf(forDestinations);
    return sockets >= own && own < forDestinations ? { limit: 'sockets', value: own, ofUser: true } : undefined;
  }

  /** The socket of a stranger, which has a place already, counts for the user whom they have come to, or that is in the way. */
  beginVisit(account: Account): LimitHit | undefined {
    const hit = this.#shareLimit(account);
    if (hit === undefined) account.sockets += 1;
    return hit;
  }

  /** It does not any more. */
  endVisit(account: Account): void {
    account.sockets -= 1;
  }

  /** The dial has come to nothing, or the socket is closed. */
  releaseSocket(account: Account): void {
    account.sockets -= 1;
    this.#sockets.releaseDestination();
  }

  /**
   * What keeps the user from taking one more local port towards the destination with this counter (`LeftPorts`). Of what all
   * of them leave the system itself says when it is too much.
   */
  portLimit({ leftPorts }: Account, counter: number): LimitHit | undefined {
    const own = this.shareOf(this.#ports);
    if (own === this.#ports || leftPorts.count(counter, this.#clock.now()) < own) return undefined;
    return { limit: 'portsPerDestination', value: own, ofUser: true };
  }

  /** For one relay of `user`, or one flow. */
  paceOf(user: User, events: PaceEvents, isFree = false): AccountPace {
    const monthlyBytes = isFree ? undefined : this.#monthlyBytes(user);
    return new AccountPace(this.of(user), monthlyBytes, this.#wallTime, events);
  }

  #monthlyBytes({ limits = {} }: User): number {
    return limits.monthlyBytes || this.#limits.monthlyBytes || Number.POSITIVE_INFINITY;
  }
}

/** Of one user, in the present calendar month. */
export interface Quota {
  readonly bytes: number;
  /** Undefined: none. */
  readonly limit: number | undefined;
  /** When counting begins again, by the time of day, ms. */
  readonly endsAt: number;
}
