import { Socket } from 'node:net';
import { type Channel, type Clock, type RelayPace, type RelaySocket, resetSocket } from 'wsproxy-protocol';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { PaceEvents } from './account-pace.js';
import type { Accounts } from './accounts.js';
import type { DialTurns, Waiting } from './dial-turns.js';
import type { LimitName } from './limits.js';
import { onClose } from './on-close.js';
import type { SilenceWatch, Watched } from './silence-watch.js';
import type { SocketBudget } from './socket-budget.js';

/** What is there for all channels. */
export interface Means {
  readonly clock: Clock;
  /** See `Limits`. */
  readonly keepalive: number;
  readonly accounts: Accounts;
  readonly sockets: SocketBudget;
  readonly silence: SilenceWatch;
  hit(limit: LimitName, user?: string, value?: number): void;
}

export interface Applicant {
  readonly channel: Channel;
  readonly user: User;
  readonly turns: DialTurns;
  /** The channel is to be dialled now; `failed` or `succeeded` of the admission has to follow. */
  readonly onTurn: (admission: Admission) => void;
}

/** A channel that may be served, and what it takes meanwhile. One object for it all, since ten thousand may be idle. */
export class Admission implements Waiting, PaceEvents {
  readonly #means: Means;
  readonly #channel: Channel;
  readonly #user: User;
  readonly #turns: DialTurns;
  readonly #account: Account;
  /** Until its turn. */
  #onTurn: Applicant['onTurn'] | undefined;
  /** Once it was dialled. */
  #socket: RelaySocket | undefined;
  #watched: Watched | undefined;

  constructor(means: Means, { channel, user, turns, onTurn }: Applicant) {
    this.#means = means;
    this.#channel = channel;
    this.#user = user;
    this.#turns = turns;
    this.#onTurn = onTurn;
    this.#account = means.accounts.beginChannel(user);
  }

  /** Gets in line. It counts from its making on, until the channel is over. */
  enter(): void {
    const { onOver } = this.#channel;
    this.#channel.onOver = () => {
      onOver?.();
      this.#leave();
    };
    const limit = this.#turns.enter(this);
    if (limit !== undefined) this.#means.hit(limit, this.#user.id);
  }

  onTurn(): void {
    if (!this.#means.sockets.take()) {
      this.#turns.dialEnded();
      return this.#channel.refuse('LIMIT_REACHED');
    }
    const onTurn = this.#onTurn;
    this.#onTurn = undefined;
    onTurn?.(this);
  }

  onLate(): void {
    this.#channel.refuse('LIMIT_REACHED');
  }

  /** The dial has failed, or was given up, and has let go of everything. */
  failed(): void {
    // First, since the next one may need it.
    this.#means.sockets.release();
    this.#turns.dialEnded();
  }

  /** The dial has succeeded; what is returned is the pace of the relay. */
  succeeded(socket: RelaySocket): RelayPace {
    const { keepalive, silence, accounts } = this.#means;
    this.#turns.dialEnded();
    if (socket instanceof Socket) socket.setKeepAlive(keepalive > 0, keepalive);
    this.#socket = socket;
    this.#watched = silence.add(this.#channel, socket);
    onClose(socket, () => {
      this.#means.sockets.release();
      this.#leaveSilence();
    });
    // What the system says when a destination has left its probes, or data, without an answer.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ETIMEDOUT') this.#means.hit('keepalive', this.#user.id);
    });
    return accounts.paceOf(this.#user, this);
  }

  onSlowed(limit: 'rateUp' | 'rateDown', rate: number): void {
    this.#means.hit(limit, this.#user.id, rate);
  }

  onSpent(monthlyBytes: number): void {
    this.#means.hit('monthlyBytes', this.#user.id, monthlyBytes);
    // Not in the middle of what the relay is doing.
    this.#means.clock.defer(() => {
      this.#channel.reset('LIMIT_REACHED');
      if (this.#socket !== undefined) resetSocket(this.#socket);
    });
  }

  #leave(): void {
    this.#means.accounts.endChannel(this.#account);
    this.#turns.leave(this);
    this.#leaveSilence();
  }

  #leaveSilence(): void {
    if (this.#watched !== undefined) this.#means.silence.leave(this.#watched);
  }
}
