import { Socket } from 'node:net';
import type { Channel } from 'wsproxy-engine';
import type { AttemptRoom } from 'wsproxy-node/dial';
import type { RelayPace } from 'wsproxy-node/relay';
import type { RelaySocket } from 'wsproxy-node/sockets';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { PaceEvents } from './account-pace.js';
import { cutOff } from './cut-off.js';
import type { Guard } from './guard.js';
import type { Watched } from './silence-watch.js';

/**
 * What one channel holds of what is there for all: a place among the channels, and one among the sockets. They are given
 * back here and nowhere else: that of the socket when it is closed, that of the channel when both are gone, so that what a
 * channel leaves behind counts as long as it is there. The memory of what the socket has not taken is the channel's, and
 * ends with the socket. One object in place of a function for each event, since ten thousand channels may be idle.
 */
export class ChannelPlace implements AttemptRoom, PaceEvents {
  readonly #guard: Guard;
  readonly #channel: Channel;
  readonly #user: User;
  readonly #account: Account;
  readonly #isFree: boolean;
  #isOver = false;
  /** A place among the sockets: for the dial, then for the socket itself. */
  #hasSocket = false;
  /** Once it was dialled. */
  #socket: RelaySocket | undefined;
  #watched: Watched | undefined;

  private constructor(guard: Guard, channel: Channel, user: User, isFree: boolean) {
    this.#guard = guard;
    this.#channel = channel;
    this.#user = user;
    this.#isFree = isFree;
    this.#account = guard.accounts.beginChannel(user);
  }

  /**
   * Undefined when `user`, or all of them, have as much as they may (`guard.refusalOf`). `leave` has to follow. `isFree`: it
   * counts in every limit but the bytes of the month.
   */
  static take(guard: Guard, channel: Channel, user: User, isFree = false): ChannelPlace | undefined {
    const hit = guard.accounts.channelLimit(user, isFree);
    if (hit === undefined) return new ChannelPlace(guard, channel, user, isFree);
    guard.hitBy(user, hit);
    return undefined;
  }

  /** False when there is no place for its socket. `releaseSocket` or `hold` has to follow. */
  takeSocket(): boolean {
    const hit = this.#guard.accounts.takeSocket(this.#account);
    this.#hasSocket = hit === undefined;
    if (hit !== undefined) this.#guard.hitBy(this.#user, hit);
    return this.#hasSocket;
  }

  takeAttempt(): boolean {
    return this.#guard.accounts.takeSocket(this.#account) === undefined;
  }

  releaseAttempt(): void {
    this.#guard.accounts.releaseSocket(this.#account);
  }

  /** The dial has come to nothing, or the socket is closed. */
  releaseSocket(): void {
    if (!this.#hasSocket) return;
    this.#hasSocket = false;
    this.#guard.accounts.releaseSocket(this.#account);
    this.#endIfGone();
  }

  /** The dial has brought `socket`, which has the place from here on; what is returned is the pace of its relay. */
  hold(socket: RelaySocket): RelayPace {
    const { limits, silence, accounts } = this.#guard;
    if (socket instanceof Socket) socket.setKeepAlive(limits.keepalive > 0, limits.keepalive);
    this.#socket = socket;
    this.#watched = silence.add(this.#channel, socket);
    // Not `once`, which would keep two more objects for each of them.
    if (socket.closed) this.releaseSocket();
    else socket.on('close', () => this.releaseSocket());
    // What the system says when a destination has left its probes, or data, without an answer.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ETIMEDOUT') this.#guard.hit('keepalive', this.#user.id);
    });
    return accounts.paceOf(this.#user, this, this.#isFree);
  }

  onSlowed(limit: 'rateUp' | 'rateDown', rate: number): void {
    this.#guard.hit(limit, this.#user.id, rate);
  }

  onSpent(monthlyBytes: number): void {
    this.#guard.hitBy(this.#user, { limit: 'monthlyBytes', value: monthlyBytes, ofUser: true });
    // Not in the middle of what the relay is doing.
    this.#guard.clock.defer(() => {
      this.#channel.reset('QUOTA_USED_UP');
      this.#cutOff();
    });
  }

  /** The channel is over. */
  leave(): void {
    this.#isOver = true;
    // Bytes are missing in any case. After other resets the relay gives the destination a second for what came before.
    if (this.#channel.figures.failure === 'SESSION_LOST') this.#cutOff();
    if (this.#hasSocket && this.#socket !== undefined) this.#guard.leftovers.add(this.#socket);
    this.#endIfGone();
  }

  #cutOff(): void {
    if (this.#socket !== undefined) cutOff(this.#socket);
  }

  #endIfGone(): void {
    if (!this.#isOver || this.#hasSocket) return;
    if (this.#socket !== undefined) this.#guard.leftovers.delete(this.#socket);
    this.#guard.accounts.endChannel(this.#account);
    if (this.#watched !== undefined) this.#guard.silence.leave(this.#watched);
  }
}
