import type { ByteTaker, Channel, SlabReader } from 'wsproxy-engine';
import { readIntoSlabs } from '../internals/read-into-slabs.js';
import { readRest } from '../internals/read-rest.js';
import { outliveFailedWrites } from '../sockets/outlive-writes.js';
import type { RelaySocket } from '../sockets/reset-socket.js';
import { endedByReset, type Mortal } from '../sockets/socket-death.js';
import { listenTo, type SocketListener } from '../sockets/socket-listener.js';
import { Hearing, LAST_WORDS } from './last-words.js';
import { longestTurn, PacedPieces, PacedSource, type RelayPace, whenEmpty } from './relay-pace.js';
import { type OtherWay, RelayWriter } from './relay-writer.js';

/**
 * Joins a channel and a socket: bytes, half-closes and resets pass both ways, and neither side reads faster than the
 * other takes, nor than `pace` allows. The socket must have been made with `allowHalfOpen`.
 */
export function relay(channel: Channel, socket: RelaySocket, pace?: RelayPace): void {
  new Relay(channel, socket, pace).start();
}

/** The same, but what the channel brings waits in it until the socket has sent something, or it is released. */
export function relayHeld(channel: Channel, socket: RelaySocket): HeldRelay {
  const held = new Relay(channel, socket, undefined);
  held.start(true);
  return held;
}

export interface HeldRelay {
  readonly isHeld: boolean;
  release(): void;
}

/** The way from the socket to the channel, and what becomes of both ways when the socket fails. */
class Relay implements ByteTaker, OtherWay, Mortal, HeldRelay, SocketListener {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace | undefined;
  readonly #writer: RelayWriter;
  readonly #source: PacedSource;
  #reader: SlabReader | undefined;
  /** What waits for its turn, once something had to. */
  #paced: PacedPieces | undefined;
  /** The socket gets nothing yet. */
  #isHeld = false;
  /** The socket is dead; what it had received before may still come. */
  #isDead = false;
  #wasReset = false;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(channel: Channel, socket: RelaySocket, pace: RelayPace | undefined) {
    this.#channel = channel;
    this.#socket = socket;
    this.#pace = pace;
    this.#writer = new RelayWriter(channel, socket, this, pace);
    this.#source = new PacedSource(socket, this);
  }

  start(isHeld = false): void {
    const socket = this.#socket;
    this.#isHeld = isHeld;
    if (!isHeld) this.#channel.start(this.#writer);
    outliveFailedWrites(socket, this);
    listenTo(socket, this);
    this.#reader = readIntoSlabs(socket, this.#channel.memory, this);
    // Its events are past; nobody else will say so.
    if (socket.destroyed) this.#passOnReset();
    else socket.resume();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#channel.start(this.#writer);
  }

  get appetite(): number {
    const { appetite } = this.#channel;
    return this.#pace === undefined ? appetite : Math.min(appetite, longestTurn(this.#pace, 'down'));
  }

  onBytes(bytes: Uint8Array): void {
    // Nobody is to pay for what goes nowhere.
    if (this.#channel.state.dead) return;
    this.release();
    const pace = this.#pace;
    if (pace === undefined || (this.#paced?.isEmpty !== false && pace.mayPass('down', bytes.length))) {
      return this.#toChannel(bytes);
    }
    this.#source.pause('turn');
    this.#paced ??= new PacedPieces(this.#channel.memory, pace, 'down', (piece) => {
      this.#toChannel(piece);
      if (this.#paced?.isEmpty === true) this.#source.resume('turn');
    });
    this.#paced.push(bytes, false);
  }

  #toChannel(bytes: Uint8Array): void {
    if (!this.#channel.write(bytes)) this.#source.pause('channel');
  }

  onWritable(): void {
    this.#source.resume('channel');
  }

  onReset(): void {
    this.#wasReset = true;
    clearTimeout(this.#lastWords);
    this.#paced?.drop();
  }

  onEnd(): void {
    if (this.#isDead || endedByReset(this.#socket)) return this.#giveUp();
    whenEmpty(this.#paced, () => this.#channel.end());
    this.#source.end();
  }

  /** Nothing can be written any more. What was received before is still read, as far as there is room for it. */
  onDead(): void {
    this.#isDead = true;
    this.#writer.stop();
    if (this.#wasReset || this.#socket.readableEnded) this.#giveUp();
    else this.#limitLastWords();
  }

  /** Nothing else would destroy it: to Node the socket is half open. */
  #giveUp(): void {
    this.#passOnReset();
    this.#socket.destroy();
  }

  onError(): void {
    // Read before the error.
    readRest(this.#socket, (bytes) => this.onBytes(bytes));
    this.#passOnReset();
  }

  onClose(): void {
    this.#reader?.stop();
    this.#source.stop();
    if (this.#channel.state.dead) this.#paced?.drop();
    this.#writer.stop();
    // Without having ended: destroyed by someone, or half of it failed.
    if (!this.#socket.readableEnded || !this.#socket.writableFinished) this.#passOnReset();
    // Nobody is left to be waited for.
    if (this.#lastWords !== undefined) this.#channel.onOver(() => clearTimeout(this.#lastWords));
  }

  #passOnReset(): void {
    if (this.#wasReset) return;
    this.#wasReset = true;
    whenEmpty(this.#paced, () => this.#channel.end('CONNECTION_RESET'));
    this.#limitLastWords();
  }

  /** Begins once, by the first sign of the reset. */
  #limitLastWords(): void {
    if (this.#lastWords !== undefined) return;
    const hearing = new Hearing(this.#channel);
    const look = (): void => {
      const channel = this.#channel;
      const { hasMoved, isIgnored } = hearing.look();
      // What waits for the peer waits in the socket as well.
      if (channel.state.dead || isIgnored || !(hasMoved || this.#source.isChannelFull)) this.#giveUp();
      if (channel.state.dead) return;
      if (isIgnored) return channel.reset('CONNECTION_RESET');
      this.#lastWords?.refresh();
    };
    this.#lastWords = setTimeout(look, LAST_WORDS);
  }
}
