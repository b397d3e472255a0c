import type { Socket } from 'node:net';
import type { Clock, Logger, MemoryBudget, OfferedChannel, ProcessBudgets, ReplayPace } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { Accounts } from './accounts.js';
import { DialTurns } from './dial-turns.js';
import { Held, type Means, type OnAdmitted } from './held.js';
import { LimitReporter } from './limit-reporter.js';
import type { LimitName, Limits } from './limits.js';
import { onClose } from './on-close.js';
import { ShareBudget } from './share-budget.js';
import { SilenceWatch } from './silence-watch.js';
import { descriptorLimit, SocketBudget, socketsOf } from './socket-budget.js';
import { WatchedBudget } from './watched-budget.js';

export interface GuardOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLimit?: (limit: LimitName) => void;
  /** Whether more than one user may come in: each then has half of what there is for all, and no more. Default no. */
  readonly isShared?: () => boolean;
}

/** Asks before anything is taken on, and tells whoever watches when the answer is no. */
export class Guard {
  readonly limits: Limits;
  readonly #reporter: LimitReporter;
  readonly #memory: ProcessBudgets;
  readonly #sockets: SocketBudget;
  readonly #means: Means;

  constructor(options: GuardOptions) {
    const { limits, clock } = options;
    this.limits = limits;
    this.#reporter = new LimitReporter(options);
    const maxSockets = limits.sockets > 0 ? limits.sockets : socketsOf(descriptorLimit());
    // Half for what sessions receive, half for what they may send again.
    const half = () => new WatchedBudget(limits.memory / 2, () => this.hit('memory'));
    this.#memory = { windows: half(), replay: half() };
    this.#sockets = new SocketBudget(maxSockets);
    this.#means = {
      clock,
      keepalive: limits.keepalive,
      accounts: new Accounts(limits, clock, this.#sockets, options.isShared),
      silence: new SilenceWatch({
        clock,
        idleTimeout: limits.idleTimeout,
        halfClosedTimeout: limits.halfClosedTimeout,
        onTimeout: (limit) => this.hit(limit),
      }),
      leftovers: new Set(),
      hit: (limit, user, value) => this.hit(limit, user, value),
    };
  }

  /** Sockets of clients and destinations at a time; Infinity when the system has no limit that we know. */
  get maxSockets(): number {
    return this.#sockets.limit;
  }

  /** What is taken of what is there for all: places of channels and of destinations' sockets, and bytes. */
  get inUse(): { channels: number; sockets: number; received: number; sent: number } {
    const { windows, replay } = this.#memory;
    const { channels } = this.#means.accounts;
    return { channels, sockets: this.#sockets.destinations, received: windows.reserved, sent: replay.reserved };
  }

  /** The server ends: nobody waits for what destinations have not taken of channels that are over. */
  dropLeftovers(): void {
    for (const held of this.#means.leftovers) held.cutOff();
  }

  /** The memory of one session of `user`. */
  memoryOf(user: User): ProcessBudgets {
    const { memoryPerSession } = this.limits;
    const part = (size: number, whole: MemoryBudget) =>
      new WatchedBudget(Math.floor(memoryPerSession * size), () => this.hit('memoryPerSession', user.id), whole);
    const account = this.#means.accounts.of(user);
    account.memory ??= { windows: this.#shareOf(this.#memory.windows), replay: this.#shareOf(this.#memory.replay) };
    // As the protocol divides what it allows.
    return { windows: part(2 / 3, account.memory.windows), replay: part(1 / 3, account.memory.replay) };
  }

  /** What a client of `user` is sent again counts in the rate as well. */
  replayPaceOf(user: User): ReplayPace {
    return this.#means.accounts.of(user).down;
  }

  #shareOf(whole: MemoryBudget): ShareBudget {
    return new ShareBudget(() => this.#means.accounts.shareOf(this.limits.memory / 2), whole);
  }

  /** The turns of one session. */
  beginSession(): DialTurns {
    return new DialTurns(this.limits, this.#means.clock);
  }

  /** Somebody ran into `limit`, the one that holds for all or, with `value`, their own; `user` for who did. */
  hit(limit: LimitName, user?: string, value: number = this.limits[limit]): void {
    this.#reporter.hit(limit, value, user);
  }

  /** Whether there is room for the socket of a client; it is given back when it closes. */
  takeConnection(socket: Socket): boolean {
    if (!this.#sockets.takeClient()) {
      this.hit('sockets', undefined, this.maxSockets);
      return false;
    }
    onClose(socket, () => this.#sockets.releaseClient());
    return true;
  }

  /**
   * Refuses `channel` when `user` may have no more, or calls `onAdmitted` as soon as it may be dialled, at once if nothing is
   * in the way. A channel that ends before its turn is not dialled. It counts as the user's until it and its socket are gone.
   */
  admit(channel: OfferedChannel, user: User, turns: DialTurns, onAdmitted: OnAdmitted): void {
    const refusal = this.#means.accounts.refusal(user);
    if (refusal !== undefined) {
      this.hit(refusal.limit, refusal.ofUser ? user.id : undefined, refusal.value);
      return channel.refuse('LIMIT_REACHED');
    }
    new Held(this.#means, channel, user, turns, onAdmitted).enter();
  }
}
