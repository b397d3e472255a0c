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

/** A channel that may be dialled now. One of the two has to be called. */
export interface Admitted {
  /** The dial has failed, or was given up, and has let go of everything. */
  failed(): void;
  /** The dial has succeeded; what is returned is the pace of the relay. */
  succeeded(socket: RelaySocket): RelayPace;
}

export type OnAdmitted = (admitted: Admitted) => void;

/**
 * What a channel takes of what there is for all, from its asking to its end. One object in place of a function for each
 * event, since ten thousand channels may be idle.
 */
export class ChannelAdmission implements Admitted, Waiting, PaceEvents {
  readonly #means: Means;
  readonly #channel: Channel;
  readonly #user: User;
  readonly #turns: DialTurns;
  readonly #account: Account;
  /** Until its turn. */
  #onAdmitted: OnAdmitted | undefined;
  /** Once it was dialled. */
  #socket: RelaySocket | undefined;
  #watched: Watched | undefined;

  constructor(means: Means, channel: Channel, user: User, turns: DialTurns, onAdmitted: OnAdmitted) {
    this.#means = means;
    this.#channel = channel;
    this.#user = user;
    this.#turns = turns;
    this.#onAdmitted = onAdmitted;
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
    const onAdmitted = this.#onAdmitted;
    this.#onAdmitted = undefined;
    onAdmitted?.(this);
  }

  onLate(): void {
    this.#channel.refuse('LIMIT_REACHED');
  }

  failed(): void {
    // First, since the next one may need it.
    this.#means.sockets.release();
    this.#turns.dialEnded();
  }

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
