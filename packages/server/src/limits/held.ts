import { Socket } from 'node:net';
import type { Clock, OfferedChannel } from 'wsproxy-engine';
import type { AttemptRoom } from 'wsproxy-node/dial';
import type { RelayPace } from 'wsproxy-node/relay';
import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { PaceEvents } from './account-pace.js';
import type { Accounts } from './accounts.js';
import type { DialTurns, Waiting } from './dial-turns.js';
import type { LimitName } from './limits.js';
import { onClose } from './on-close.js';
import type { SilenceWatch, Watched } from './silence-watch.js';

/** What is there for all channels. */
export interface Means {
  readonly clock: Clock;
  /** See `Limits`. */
  readonly keepalive: number;
  readonly accounts: Accounts;
  readonly silence: SilenceWatch;
  /** What channels that are over have left behind. */
  readonly leftovers: Set<Held>;
  hit(limit: LimitName, user?: string, value?: number): void;
}

/** A channel that may be dialled now, with a place for one socket. One of the two has to be called. */
export interface Admitted extends AttemptRoom {
  /** The dial has failed, or was given up, and has let go of everything. */
  failed(): void;
  /** The dial has succeeded; what is returned is the pace of the relay. */
  succeeded(socket: RelaySocket): RelayPace;
}

export type OnAdmitted = (admitted: Admitted) => void;

/**
 * What one channel holds of what there is for all: a place among the channels, a turn to be dialled, a place among the
 * sockets. Made at OPEN; the places are given back here and nowhere else, that of the socket when it is closed, that of
 * the channel when both are gone, so that what a channel leaves behind counts as long as it is there. The memory of
 * what the socket has not taken is the channel's, and ends with the socket. One object in place of a function for each
 * event, since ten thousand channels may be idle.
 */
export class Held implements Admitted, Waiting, PaceEvents {
  readonly #means: Means;
  readonly #channel: OfferedChannel;
  readonly #user: User;
  readonly #turns: DialTurns;
  readonly #account: Account;
  /** Until its turn. */
  #onAdmitted: OnAdmitted | undefined;
  #isOver = false;
  /** A place among the sockets: for the dial, then for the socket itself. */
  #hasSocket = false;
  /** Once it was dialled. */
  #socket: RelaySocket | undefined;
  #watched: Watched | undefined;

  constructor(means: Means, channel: OfferedChannel, user: User, turns: DialTurns, onAdmitted: OnAdmitted) {
    this.#means = means;
    this.#channel = channel;
    this.#user = user;
    this.#turns = turns;
    this.#onAdmitted = onAdmitted;
    this.#account = means.accounts.beginChannel(user);
  }

  /** Gets in line. */
  enter(): void {
    this.#channel.onOver(() => this.#onChannelOver());
    const limit = this.#turns.enter(this);
    if (limit !== undefined) this.#means.hit(limit, this.#user.id);
  }

  onTurn(): void {
    const refusal = this.#means.accounts.takeSocket(this.#account);
    if (refusal !== undefined) {
      this.#means.hit('sockets', refusal.ofUser ? this.#user.id : undefined, refusal.value);
      this.#turns.dialEnded();
      return this.#channel.refuse('LIMIT_REACHED');
    }
    this.#hasSocket = true;
    const onAdmitted = this.#onAdmitted;
    this.#onAdmitted = undefined;
    onAdmitted?.(this);
  }

  onLate(): void {
    this.#channel.refuse('LIMIT_REACHED');
  }

  takeAttempt(): boolean {
    return this.#means.accounts.takeSocket(this.#account) === undefined;
  }

  releaseAttempt(): void {
    this.#means.accounts.releaseSocket(this.#account);
  }

  failed(): void {
    // First, since the next one may need it.
    this.#releaseSocket();
    this.#turns.dialEnded();
  }

  succeeded(socket: RelaySocket): RelayPace {
    const { keepalive, silence, accounts } = this.#means;
    this.#turns.dialEnded();
    if (socket instanceof Socket) socket.setKeepAlive(keepalive > 0, keepalive);
    this.#socket = socket;
    this.#watched = silence.add(this.#channel, socket);
    onClose(socket, () => this.#releaseSocket());
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
      this.cutOff();
    });
  }

  /** What the destination has not taken is dropped. */
  cutOff(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    resetSocket(socket);
    // It may want to finish first what it never will.
    socket.destroy();
  }

  #onChannelOver(): void {
    this.#isOver = true;
    this.#turns.leave(this);
    // Bytes are missing in any case. After other resets the relay gives the destination a second for what came before.
    if (this.#channel.figures.failure === 'SESSION_LOST') this.cutOff();
    if (this.#hasSocket) this.#means.leftovers.add(this);
    this.#endIfGone();
  }

  /** The dial has come to nothing, or the socket is closed. */
  #releaseSocket(): void {
    if (!this.#hasSocket) return;
    this.#hasSocket = false;
    this.#means.accounts.releaseSocket(this.#account);
    this.#endIfGone();
  }

  #endIfGone(): void {
    if (!this.#isOver || this.#hasSocket) return;
    this.#means.leftovers.delete(this);
    this.#means.accounts.endChannel(this.#account);
    if (this.#watched !== undefined) this.#means.silence.leave(this.#watched);
  }
}
