import {
  type Channel,
  type ChannelSink,
  type FailureCode,
  finishChannel,
  type OpenHandler,
  systemClock,
  type Target,
} from 'wsproxy-engine';
import { Allowance } from './allowance.js';
import type { Backlogged, Backlogs } from './backlogs.js';
import { failureOf, reasonOf } from './close-reasons.js';
import { CloseReason, continuePacket, dataPacket } from './packets.js';
import type { StreamOwner, WispStream } from './wisp-stream.js';

/** A stream of type TCP: a channel that a client uses by packets of Wisp. */
export class TcpStream implements WispStream, OpenHandler, ChannelSink, Backlogged {
  readonly #id: number;
  readonly #owner: TcpStreamOwner;
  readonly #channel: Channel;
  readonly #allowance = new Allowance();
  /** A CONTINUE waits for a client that does not read: the next one waits for that. */
  #isGranting = false;
  /** Bytes that the client has sent. */
  #taken = 0;
  /** The channel has taken more than it can send at once. */
  #isBacklogged = false;
  /** The client knows that the stream is over, or has said so. */
  #isOver = false;

  constructor(id: number, target: Target, owner: TcpStreamOwner) {
    this.#id = id;
    this.#owner = owner;
    this.#channel = owner.session.open(target, this);
    this.#channel.start(this);
  }

  // What the client says.

  take(data: Uint8Array): void {
    if (!this.#allowance.take()) return this.giveUp();
    this.#taken += data.length;
    if (this.#channel.write(data)) return this.#grantIfDue();
    this.#isBacklogged = true;
    this.#owner.backlogs.grow(this, data.length);
  }

  /** What it has sent before still goes to the destination. */
  leave(reason: number): void {
    this.#isOver = true;
    this.#finish(failureOf(reason));
  }

  // What becomes of the channel.

  onOpen(): void {
    // Its number may be that of another stream by now.
    if (this.#isOver || !this.#owner.confirmsOpening) return;
    this.#owner.send(continuePacket(this.#id, this.#allowance.confirm()));
  }

  onFail(code: FailureCode): void {
    this.onReset(code);
  }

  onData(chunk: Uint8Array): void {
    const { length } = chunk;
    this.#owner.send(dataPacket(this.#id, chunk), () => this.#channel.consumed(length));
  }

  /** Wisp has no half-close. */
  onEnd(): void {
    this.#close(CloseReason.voluntary);
    this.#finish();
  }

  onReset(code: FailureCode): void {
    this.#endBacklog();
    this.#close(reasonOf(code));
  }

  onWritable(): void {
    this.#endBacklog();
    this.#grantIfDue();
  }

  // As one of those that wait.

  get waiting(): number {
    return this.#channel.state.dead ? 0 : this.#taken - this.#channel.figures.bytesSent;
  }

  giveUp(): void {
    this.#channel.reset('LIMIT_REACHED');
    this.#endBacklog();
    this.#close(CloseReason.throttled);
  }

  /** What waits counts until it has gone. */
  #finish(failure?: FailureCode): void {
    if (this.#isBacklogged) this.#channel.onOver(() => this.#endBacklog());
    finishChannel(this.#channel, systemClock, failure);
  }

  #endBacklog(): void {
    if (!this.#isBacklogged) return;
    this.#isBacklogged = false;
    this.#owner.backlogs.end(this);
  }

  #grantIfDue(): void {
    if (this.#isOver || this.#isGranting || !this.#allowance.isDue) return;
    this.#isGranting = true;
    this.#owner.send(continuePacket(this.#id, this.#allowance.renew()), () => {
      this.#isGranting = false;
      this.#grantIfDue();
    });
  }

  #close(reason: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.close(this.#id, reason);
  }
}

export interface TcpStreamOwner extends StreamOwner {
  readonly backlogs: Backlogs;
}
