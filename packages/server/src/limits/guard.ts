import type { Socket } from 'node:net';
import {
  type Clock,
  type Logger,
  type MemoryBudget,
  type ProcessBudgets,
  type ReplayPace,
  TunnelError,
} from 'wsproxy-engine';
import { descriptorLimit, type RelaySocket } from 'wsproxy-node/sockets';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import { Accounts } from './accounts.js';
import { ChannelLines } from './channel-lines.js';
import { cutOff } from './cut-off.js';
import { DatagramMeter } from './datagram-meter.js';
import { DialTurns } from './dial-turns.js';
import type { LimitHit } from './limit-hit.js';
import { LimitReporter } from './limit-reporter.js';
import type { LimitName, Limits } from './limits.js';
import { RateBucket } from './rate-bucket.js';
import { SessionTurns } from './session-turns.js';
import { ShareBudget } from './share-budget.js';
import type { Answer } from './shared-places.js';
import { SilenceWatch } from './silence-watch.js';
import { SocketBudget, socketsOf } from './socket-budget.js';
import { UserTurns } from './user-turns.js';
import { WatchedBudget } from './watched-budget.js';

/** Asks before anything is taken on, and tells anyone who watches when the answer is no. */
export class Guard {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly silence: SilenceWatch;
  /** Sockets that channels which are over have left behind, until their destinations have taken what is in them. */
  readonly leftovers: Set<RelaySocket> = new Set();
  /** What the log tells of channels. */
  readonly lines: ChannelLines;
  readonly #reporter: LimitReporter;
  readonly #memory: ProcessBudgets;
  readonly #sockets: SocketBudget;
  readonly #turns: DialTurns;

  constructor(options: GuardOptions) {
    const { limits, clock } = options;
    this.limits = limits;
    this.clock = clock;
    this.lines = new ChannelLines(options.logger, clock);
    this.#reporter = new LimitReporter(options);
    const maxSockets = limits.sockets > 0 ? limits.sockets : socketsOf(descriptorLimit());
    // Half for what sessions receive, half for what they may send again.
    const half = () => new WatchedBudget(limits.memory / 2, () => this.hit('memory'));
    this.#memory = { windows: half(), replay: half() };
    this.#sockets = new SocketBudget(maxSockets);
    this.#turns = new DialTurns(clock);
    this.accounts = new Accounts(limits, clock, this.#sockets, options.isShared);
    this.silence = new SilenceWatch({
      clock,
      idleTimeout: limits.idleTimeout,
      halfClosedTimeout: limits.halfClosedTimeout,
      onTimeout: (limit) => this.hit(limit),
    });
  }

  /** Sockets of clients and destinations at a time; Infinity when the system has no limit that we know. */
  get maxSockets(): number {
    return this.#sockets.limit;
  }

  /** Connections at a time that wait at a door; strangers get no more than a quarter of the sockets. */
  get maxStrangers(): number {
    return Math.max(1, Math.min(this.limits.unauthenticated, Math.floor(this.maxSockets / 4)));
  }

  /** What is taken of what is there for all: places of channels and of destinations' sockets, and bytes. */
  get inUse(): { channels: number; sockets: number; received: number; sent: number } {
    const { windows, replay } = this.#memory;
    const { channels } = this.accounts;
    return { channels, sockets: this.#sockets.destinations, received: windows.reserved, sent: replay.reserved };
  }

  /** The server ends: nobody waits for what destinations have not taken of channels that are over. */
  close(): void {
    for (const socket of this.leftovers) cutOff(socket);
    this.lines.close();
  }

  /** The memory of one session of `user`. */
  memoryOf(user: User): ProcessBudgets {
    const { memoryPerSession } = this.limits;
    const account = this.accounts.of(user);
    account.onSessionFull ??= () => this.hit('memoryPerSession', user.id);
    const { onSessionFull } = account;
    const part = (size: number, whole: MemoryBudget) =>
      new WatchedBudget(Math.floor(memoryPerSession * size), onSessionFull, whole);
    account.memory ??= { windows: this.#shareOf(this.#memory.windows), replay: this.#shareOf(this.#memory.replay) };
    // As the protocol divides what it allows.
    return { windows: part(2 / 3, account.memory.windows), replay: part(1 / 3, account.memory.replay) };
  }

  /** What a client of `user` is sent again counts in the rate as well. */
  replayPaceOf(user: User): ReplayPace {
    return this.accounts.of(user).down;
  }

  #shareOf(whole: MemoryBudget): ShareBudget {
    return new ShareBudget(() => this.accounts.shareOf(this.limits.memory / 2), whole);
  }

  /** The turns of one session of `user`. */
  beginSession(user: User): SessionTurns {
    const { limits, clock } = this;
    const account = this.accounts.of(user);
    const onWait = (limit: LimitName) => this.hit(limit, user.id);
    account.turns ??= new UserTurns({ limits, clock, turns: this.#turns, onWait });
    return new SessionTurns(account.turns, limits);
  }

  /** Somebody ran into `limit`, the one that holds for all or, with `value`, their own; `user` for who did. */
  hit(limit: LimitName, user?: string, value: number = this.limits[limit]): void {
    this.#reporter.hit({ limit, value, ...(user !== undefined && { user }) });
  }

  /** How a channel of `user` fails that gets no place. */
  refusalOf(user: User): TunnelError {
    const { limit = 'channels' } = this.accounts.channelLimit(user) ?? {};
    return limit === 'monthlyBytes' ? new TunnelError('QUOTA_USED_UP') : limitReached(limit);
  }

  /** How a flow of `user` fails that gets no place. */
  refusalOfFlow(user: User): TunnelError {
    const { limit = 'flowsPerUser' } = this.accounts.flowLimit(user) ?? {};
    return limit === 'monthlyBytes' ? new TunnelError('QUOTA_USED_UP') : limitReached(limit);
  }

  /**
   * One more datagram has come for `user`, no matter what becomes of it. False when there were so many, for so long, that something
   * has to end: nothing else is a brake.
   */
  bears(account: Account, user: User): boolean {
    const { datagramsPerSecond } = this.limits;
    if (datagramsPerSecond === 0) return true;
    const now = this.clock.now();
    account.datagrams ??= new DatagramMeter(datagramsPerSecond, now);
    if (account.datagrams.add(now)) return true;
    this.hit('datagramsPerSecond', user.id);
    return false;
  }

  /** For how many destinations the flows of one session may begin to send to. */
  newPeers(): RateBucket {
    return RateBucket.ofOnes(this.limits.newPeersPerSecond, this.limits.newPeersBurst);
  }

  /** A dial has failed: tells when it is the system of this server that has nothing left, not the destination. */
  failed({ code, cause }: TunnelError): void {
    const systemCode = (cause as NodeJS.ErrnoException | undefined)?.code;
    if (code === 'LIMIT_REACHED' && systemCode !== undefined) this.#reporter.lack(systemCode);
  }

  /** `user` ran into it. */
  hitBy(user: User, { limit, value, ofUser }: LimitHit): void {
    if (limit !== 'monthlyBytes') return this.hit(limit, ofUser ? user.id : undefined, value);
    const until = new Date(this.accounts.quotaOf(user).endsAt).toISOString();
    this.#reporter.hit({ limit, value, user: user.id, until });
  }

  /**
   * What `take` makes, once other processes have nothing against it; `hit`: what this one has. A promise while they are asked, which
   * nobody is where this process has all to itself.
   */
  place<T>(user: User, hit: LimitHit | undefined, share: () => Answer, take: () => T | undefined): Found<T> {
    if (!this.passes(user, hit)) return undefined;
    const answer = share();
    if (!(answer instanceof Promise)) return this.passes(user, answer) ? take() : undefined;
    return answer.then((late) => (this.passes(user, late) ? take() : undefined));
  }

  /** Whether `user` has run into nothing, for which `hit` is undefined; else it is told. */
  passes(user: User, hit: LimitHit | undefined): boolean {
    if (hit !== undefined) this.hitBy(user, hit);
    return hit === undefined;
  }

  /** One for all of them, which each keeps as long as it is open. */
  readonly #releaseConnection = (): void => this.#sockets.releaseClient();

  /** Whether there is room for the socket of a client; it is given back when it closes. */
  takeConnection(socket: Socket): boolean {
    return this.#holdUntilClosed(socket, this.#sockets.takeClient(), this.#releaseConnection);
  }

  readonly #releaseStranger = (): void => this.#sockets.releaseDestination();

  /**
   * The same for the socket of somebody who is no client, and has no token: it has its place among those of destinations, so
   * that a crowd of them keeps no client out. One that has its place keeps it.
   */
  takeStranger(socket: Socket): boolean {
    if (this.#isStranger(socket)) return true;
    return this.#holdUntilClosed(socket, this.#sockets.takeDestination(), this.#releaseStranger);
  }

  /** `hasPlace`: false when there was none for it. */
  #holdUntilClosed(socket: Socket, hasPlace: boolean, release: () => void): boolean {
    if (!hasPlace) this.hit('sockets', undefined, this.maxSockets);
    else if (socket.closed) release();
    else socket.on('close', release);
    return hasPlace;
  }

  /** It is no stranger's any more, and the one who has it now counts it. */
  leaveStranger(socket: Socket): void {
    if (this.#isStranger(socket)) this.#releaseStranger();
    socket.off('close', this.#releaseStranger);
  }

  #isStranger(socket: Socket): boolean {
    return socket.listeners('close').includes(this.#releaseStranger);
  }

  /**
   * A stranger waits for `user`, with a socket that counts among those of the user until what is returned is called; undefined
   * when the user has as many as they may.
   */
  beginVisit(user: User): (() => void) | undefined {
    const account = this.accounts.of(user);
    return this.passes(user, this.accounts.beginVisit(account)) ? () => this.accounts.endVisit(account) : undefined;
  }
}

/** A place, if there is one. */
export type Found<T> = T | undefined | Promise<T | undefined>;

/** How a channel fails for which there is no room. */
export function limitReached(limit: LimitName): TunnelError {
  return new TunnelError('LIMIT_REACHED', `the limit ${limit} is reached`);
}

export interface GuardOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLimit?: (limit: LimitName) => void;
  /** Whether more than one user may come in: each then has half of what there is for all, and no more. Default no. */
  readonly isShared?: () => boolean;
}
