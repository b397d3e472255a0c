import { Socket } from 'node:net';
import type { Channel } from 'wsproxy-engine';
import type { Dialed, DialRoom } from 'wsproxy-node/dial';
import type { RelayPace } from 'wsproxy-node/relay';
import type { RelaySocket } from 'wsproxy-node/sockets';
import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { PaceEvents } from './account-pace.js';
import { cutOff } from './cut-off.js';
import type { Found, Guard } from './guard.js';
import { LeftPorts } from './left-ports.js';
import type { Watched } from './silence-watch.js';

/**
 * What one channel holds of what is there for all: a place among the channels, and one among the sockets. They are given
 * back here and nowhere else: that of the socket when it is closed, that of the channel when both are gone, so that what a
 * channel leaves behind counts as long as it is there. The memory of what the socket has not taken is the channel's, and
 * ends with the socket. One object in place of a function for each event, since ten thousand channels may be idle.
 */
export class ChannelPlace implements DialRoom, PaceEvents {
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
  /** Which counter of the ports that are left is that of its destination; below 0 where there is none. */
  #portCounter = -1;
  /** The destination had ended before this side did: the port is left there, not here. */
  #endedLast = false;

  private constructor(guard: Guard, channel: Channel, user: User, isFree: boolean) {
    this.#guard = guard;
    this.#channel = channel;
    this.#user = user;
    this.#isFree = isFree;
    this.#account = guard.accounts.beginChannel(user);
  }

  /**
   * A promise while other processes are asked; undefined when `user`, or all of them, have as much as they may (`guard.refusalOf`). `leave` has to follow. `isFree`: it
   * counts in every limit but the bytes of the month.
   */
  static take(guard: Guard, channel: Channel, user: User, isFree = false): Found<ChannelPlace> {
    const { accounts } = guard;
    const take = () => new ChannelPlace(guard, channel, user, isFree);
    return guard.place(user, accounts.channelLimit(user, isFree), () => accounts.shareChannel(user), take);
  }

  /** False when there is no place for its socket. `releaseSocket` or `hold` has to follow. */
  takeSocket(): boolean {
    this.#hasSocket = this.#guard.passes(this.#user, this.#guard.accounts.takeSocket(this.#account));
    return this.#hasSocket;
  }

  tryAnother(): void {
    this.#account.turns?.tryAnother();
  }

  takeAttempt(): boolean {
    return this.#guard.accounts.takeSocket(this.#account) === undefined;
  }

  releaseAttempt(): void {
    this.#guard.accounts.releaseSocket(this.#account);
  }

  hasPort(endpoint: string): boolean {
    const hit = this.#guard.accounts.portLimit(this.#account, LeftPorts.counterOf(endpoint));
    return this.#guard.passes(this.#user, hit);
  }

  /** The dial has come to nothing, or the socket is closed. */
  releaseSocket(): void {
    if (!this.#hasSocket) return;
    this.#hasSocket = false;
    this.#guard.accounts.releaseSocket(this.#account);
    this.#endIfGone();
  }

  /** The dial has brought a socket, which has the place from here on; what is returned is the pace of its relay. */
  hold({ socket, endpoint }: Pick<Dialed, 'socket' | 'endpoint'>): RelayPace {
    const { limits, silence, accounts } = this.#guard;
    if (socket instanceof Socket) socket.setKeepAlive(limits.keepalive > 0, limits.keepalive);
    this.#socket = socket;
    this.#watched = silence.add(this.#channel, socket);
    (socket as PlacedSocket)[PLACE] = this;
    if (endpoint !== undefined) {
      this.#portCounter = LeftPorts.counterOf(endpoint);
      socket.on('finish', onFinish);
    }
    if (socket.closed) this.onClose(socket);
    else socket.on('close', onClose);
    return accounts.paceOf(this.#user, this, this.#isFree);
  }

  /** No socket belongs to it: the pace of a channel that this program itself writes and reads. */
  pace(): RelayPace {
    return this.#guard.accounts.paceOf(this.#user, this, this.#isFree);
  }

  /** The own half has ended. */
  onFinish({ readableEnded }: RelaySocket): void {
    this.#endedLast = readableEnded;
  }

  onClose({ errored, writableEnded }: RelaySocket): void {
    // What the system says when a destination has left its probes, or data, without an answer.
    if ((errored as NodeJS.ErrnoException | null)?.code === 'ETIMEDOUT') this.#guard.hit('keepalive', this.#user.id);
    // After a reset there is nothing that the port would be kept for (RFC 9293 section 3.6).
    const leavesPort = writableEnded && !this.#endedLast && errored === null;
    if (leavesPort && this.#portCounter >= 0) this.#account.leftPorts.add(this.#portCounter, this.#guard.clock.now());
    this.releaseSocket();
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

const PLACE = Symbol('place');
type PlacedSocket = RelaySocket & { [PLACE]: ChannelPlace };

/** One for all sockets, since ten thousand may be idle. */
function onFinish(this: PlacedSocket): void {
  this[PLACE].onFinish(this);
}

function onClose(this: PlacedSocket): void {
  this[PLACE].onClose(this);
}
