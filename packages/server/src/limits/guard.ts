import { Socket } from 'node:net';
import {
  type Channel,
  type Clock,
  type Logger,
  type MemoryBudget,
  type ProcessBudgets,
  type RelayPace,
  type RelaySocket,
  resetSocket,
} from 'wsproxy-protocol';
import type { User } from '../users/user.js';
import { Accounts } from './accounts.js';
import { DialTurns, type Waiting } from './dial-turns.js';
import { LimitReporter } from './limit-reporter.js';
import type { LimitName, Limits } from './limits.js';
import { SilenceWatch } from './silence-watch.js';
import { descriptorLimit, SocketBudget, socketsOf } from './socket-budget.js';
import { WatchedBudget } from './watched-budget.js';

export interface GuardOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLimit?: (limit: LimitName) => void;
}

/** A channel that may be dialled now. One of the two has to be called. */
export interface Admission {
  /** The dial has failed, or was given up, and has let go of everything. */
  failed(): void;
  /** The dial has succeeded; what is returned is the pace of the relay. */
  succeeded(socket: RelaySocket): RelayPace;
}

/** Asks before anything is taken on, and tells whoever watches when the answer is no. */
export class Guard {
  readonly limits: Limits;
  readonly #clock: Clock;
  readonly #accounts: Accounts;
  readonly #sockets: SocketBudget;
  readonly #reporter: LimitReporter;
  readonly #silence: SilenceWatch;
  readonly #memory: ProcessBudgets;

  constructor(options: GuardOptions) {
    const { limits, clock } = options;
    this.limits = limits;
    this.#clock = clock;
    this.#accounts = new Accounts(limits, clock);
    this.#sockets = new SocketBudget(limits.sockets > 0 ? limits.sockets : socketsOf(descriptorLimit()));
    this.#reporter = new LimitReporter(options);
    this.#silence = new SilenceWatch({
      clock,
      idleTimeout: limits.idleTimeout,
      halfClosedTimeout: limits.halfClosedTimeout,
      onTimeout: (limit) => this.hit(limit),
    });
    // Half for what sessions receive, half for what they may send again.
    const half = () => new WatchedBudget(limits.memory / 2, () => this.hit('memory'));
    this.#memory = { windows: half(), replay: half() };
  }

  /** Sockets of clients and destinations at a time; Infinity when the system has no limit that we know. */
  get maxSockets(): number {
    return this.#sockets.limit;
  }

  /** The memory of one session of `user`. */
  memoryOf(user: User): ProcessBudgets {
    const { memoryPerSession } = this.limits;
    const share = (part: number, whole: MemoryBudget) =>
      new WatchedBudget(Math.floor(memoryPerSession * part), () => this.hit('memoryPerSession', user.id), whole);
    // As the protocol divides what it allows.
    return { windows: share(2 / 3, this.#memory.windows), replay: share(1 / 3, this.#memory.replay) };
  }

  /** The turns of one session. */
  beginSession(): DialTurns {
    return new DialTurns(this.limits, this.#clock);
  }

  /** Somebody ran into `limit`, the one that holds for all or, with `value`, their own; `user` for who did. */
  hit(limit: LimitName, user?: string, value: number = this.limits[limit]): void {
    this.#reporter.hit(limit, value, user);
  }

  /** Whether there is room for the socket of a client; it is given back when it closes. */
  takeConnection(socket: Socket): boolean {
    if (!this.#takeSocket()) return false;
    onClose(socket, () => this.#sockets.release());
    return true;
  }

  /**
   * Refuses `channel` when `user` may have no more, or calls `onTurn` as soon as it may be dialled, at once if nothing is
   * in the way. A channel that ends before its turn is not dialled. It counts as the user's until it is over.
   */
  admit(channel: Channel, user: User, turns: DialTurns, onTurn: (admission: Admission) => void): void {
    const refusal = this.#accounts.refusal(user);
    if (refusal !== undefined) {
      this.hit(refusal.limit, refusal.ofUser ? user.id : undefined, refusal.value);
      return channel.refuse('LIMIT_REACHED');
    }
    onOver(channel, this.#accounts.beginChannel(user));
    const waiting: Waiting = {
      onTurn: () => this.#begin(channel, user, turns, onTurn),
      onLate: () => channel.refuse('LIMIT_REACHED'),
    };
    onOver(channel, () => turns.leave(waiting));
    const limit = turns.enter(waiting);
    if (limit !== undefined) this.hit(limit, user.id);
  }

  #begin(channel: Channel, user: User, turns: DialTurns, onTurn: (admission: Admission) => void): void {
    if (!this.#takeSocket()) {
      turns.dialEnded();
      return channel.refuse('LIMIT_REACHED');
    }
    onTurn({
      failed: () => {
        // First, since the next one may need it.
        this.#sockets.release();
        turns.dialEnded();
      },
      succeeded: (socket) => {
        turns.dialEnded();
        return this.#watch(channel, socket, user);
      },
    });
  }

  #takeSocket(): boolean {
    const hasRoom = this.#sockets.take();
    if (!hasRoom) this.hit('sockets', undefined, this.#sockets.limit);
    return hasRoom;
  }

  #watch(channel: Channel, socket: RelaySocket, user: User): RelayPace {
    const { keepalive } = this.limits;
    if (socket instanceof Socket) socket.setKeepAlive(keepalive > 0, keepalive);
    const check = this.#silence.add(channel, socket);
    onOver(channel, check);
    onClose(socket, () => {
      this.#sockets.release();
      check();
    });
    // What the system says when a destination has left its probes, or data, without an answer.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ETIMEDOUT') this.hit('keepalive', user.id);
    });
    return this.paceOf(channel, user, () => resetSocket(socket));
  }

  /** How fast `channel` of `user` may be relayed; `cut` ends the other side when the bytes of the month are used up. */
  paceOf(channel: Channel, user: User, cut: () => void = () => {}): RelayPace {
    return this.#accounts.paceOf(user, {
      onSlowed: (limit, rate) => this.hit(limit, user.id, rate),
      onSpent: (monthlyBytes) => {
        this.hit('monthlyBytes', user.id, monthlyBytes);
        // Not in the middle of what the relay is doing.
        this.#clock.defer(() => {
          channel.reset('LIMIT_REACHED');
          cut();
        });
      },
    });
  }
}

function onOver(channel: Channel, callback: () => void): void {
  const { onOver: before } = channel;
  channel.onOver = () => {
    before?.();
    callback();
  };
}

/** Also when the event is past. */
function onClose(socket: RelaySocket, callback: () => void): void {
  if (socket.closed) callback();
  else socket.once('close', callback);
}
