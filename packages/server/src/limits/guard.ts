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
import { Accounts, type LimitHit } from './accounts.js';
import { ChannelLines } from './channel-lines.js';
import { cutOff } from './cut-off.js';
import { DialTurns } from './dial-turns.js';
import { LimitReporter } from './limit-reporter.js';
import type { LimitName, Limits } from './limits.js';
import { ShareBudget } from './share-budget.js';
import { SilenceWatch } from './silence-watch.js';
import { SocketBudget, socketsOf } from './socket-budget.js';
import { WatchedBudget } from './watched-budget.js';

/** Asks before anything is taken on, and tells whoever watches when the answer is no. */
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
    const part = (size: number, whole: MemoryBudget) =>
      new WatchedBudget(Math.floor(memoryPerSession * size), () => this.hit('memoryPerSession', user.id), whole);
    const account = this.accounts.of(user);
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
  beginSession(user: User): DialTurns {
    return new DialTurns(this.limits, this.clock, (limit) => this.hit(limit, user.id));
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

  /** Whether there is room for the socket of a client; it is given back when it closes. */
  takeConnection(socket: Socket): boolean {
    if (!this.#sockets.takeClient()) {
      this.hit('sockets', undefined, this.maxSockets);
      return false;
    }
    if (socket.closed) this.#sockets.releaseClient();
    else socket.once('close', () => this.#sockets.releaseClient());
    return true;
  }
}

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
