import type { Channel, ChannelSink, FailureCode } from 'wsproxy-engine';
import { readIntoSlabs, type SlabReader } from '../internals/slab-reader.js';
import { outliveFailedWrites } from '../sockets/outlive-writes.js';
import type { RelaySocket } from '../sockets/reset-socket.js';
import { endedByReset, type Mortal } from '../sockets/socket-death.js';
import { PacedPieces, PacedSource, type RelayPace } from './relay-pace.js';
import { LAST_WORDS, RelayWriter } from './relay-writer.js';

/**
 * Joins a channel and a socket: bytes, half-closes and resets pass both ways, and neither side reads faster than the
 * other takes, nor than `pace` allows. The socket must have been made with `allowHalfOpen`.
 */
export function relay(channel: Channel, socket: RelaySocket, pace?: RelayPace): void {
  new Relay(channel, socket, pace).start();
}

/**
 * A reset makes the kernel forget what it has not sent yet: it gets this long to send what was written before, ms. When
 * the session is lost, bytes are missing anyway, and the process may be about to end.
 */
const RESET_DELAY = 50;

class Relay implements ChannelSink, Mortal {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace | undefined;
  readonly #writer: RelayWriter;
  readonly #source: PacedSource;
  #reader: SlabReader | undefined;
  /** What waits for its turn, once something had to. */
  #up: PacedPieces | undefined;
  #down: PacedPieces | undefined;
  /** The socket is dead; what it had received before may still come. */
  #isDead = false;
  #wasReset = false;
  #hasEnded = false;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(channel: Channel, socket: RelaySocket, pace: RelayPace | undefined) {
    this.#channel = channel;
    this.#socket = socket;
    this.#pace = pace;
    this.#writer = new RelayWriter(channel, socket);
    this.#source = new PacedSource(socket, this);
  }

  start(): void {
    const socket = this.#socket;
    this.#channel.start(this);
    const onBytes = (bytes: Uint8Array): void => this.#onBytes(bytes);
    outliveFailedWrites(socket, this);
    socket.on('data', onBytes);
    this.#reader = readIntoSlabs(socket, onBytes, this.#channel);
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', () => this.#onSocketError());
    socket.on('close', () => this.#onSocketClose());
    // Its events are past; nobody else will say so.
    if (socket.destroyed) this.#passOnReset();
    else socket.resume();
  }

  onData(chunk: Uint8Array, isMore: boolean): void {
    const pace = this.#pace;
    if (pace === undefined || (this.#up?.isEmpty !== false && pace.mayPass('up', chunk.length))) {
      return this.#writer.write(chunk, isMore);
    }
    this.#up ??= new PacedPieces(pace, 'up', (bytes, more) => this.#writer.write(bytes, more));
    this.#up.push(chunk, isMore);
  }

  onEnd(): void {
    this.#hasEnded = true;
    after(this.#up, () => this.#writer.endWhenDone());
  }

  onReset(code: FailureCode): void {
    this.#wasReset = true;
    clearTimeout(this.#lastWords);
    this.#down?.drop();
    if (this.#hasEnded && code === 'CANCELLED') return this.#writer.closeWhenDone();
    this.#dropUp();
    this.#writer.resetWhenDone(code === 'SESSION_LOST' ? 0 : RESET_DELAY);
  }

  onWritable(): void {
    this.#source.unblock();
  }

  #onBytes(bytes: Uint8Array): void {
    // Nobody is to pay for what goes nowhere.
    if (this.#channel.state.dead) return;
    const pace = this.#pace;
    if (pace === undefined || (this.#down?.isEmpty !== false && pace.mayPass('down', bytes.length))) {
      return this.#toChannel(bytes);
    }
    this.#source.hold();
    this.#down ??= new PacedPieces(pace, 'down', (piece) => {
      this.#toChannel(piece);
      if (this.#down?.isEmpty === true) this.#source.letGo();
    });
    this.#down.push(bytes, false);
  }

  #toChannel(bytes: Uint8Array): void {
    if (!this.#channel.write(bytes)) this.#source.block();
  }

  #dropUp(): void {
    const dropped = this.#up?.drop() ?? 0;
    if (dropped > 0) this.#channel.consumed(dropped);
  }

  #onSocketEnd(): void {
    if (this.#isDead || endedByReset(this.#socket)) return this.#giveUp();
    after(this.#down, () => this.#channel.end());
    this.#source.end();
  }

  /** Nothing can be written any more. What was received before is still read, as far as there is room for it. */
  onDead(): void {
    this.#isDead = true;
    this.#dropUp();
    this.#writer.stop();
    if (this.#wasReset || this.#socket.readableEnded) this.#giveUp();
    else this.#limitLastWords();
  }

  /** Nothing else would destroy it: to Node the socket is half open. */
  #giveUp(): void {
    this.#passOnReset();
    this.#socket.destroy();
  }

  #onSocketError(): void {
    const socket = this.#socket;
    // Read before the error, and still in the socket because it was paused.
    for (let rest = socket.read() as Buffer | null; rest !== null; rest = socket.read() as Buffer | null) {
      this.#onBytes(rest);
    }
    this.#passOnReset();
  }

  #onSocketClose(): void {
    this.#reader?.stop();
    this.#source.stop();
    if (this.#channel.state.dead) this.#down?.drop();
    this.#dropUp();
    this.#writer.stop();
    // Without having ended: destroyed by someone, or half of it failed.
    if (!this.#socket.readableEnded || !this.#socket.writableFinished) this.#passOnReset();
  }

  #passOnReset(): void {
    if (this.#wasReset) return;
    this.#wasReset = true;
    after(this.#down, () => this.#channel.end('CONNECTION_RESET'));
    this.#limitLastWords();
  }

  /** Begins once, by the first sign of the reset. */
  #limitLastWords(): void {
    if (this.#lastWords !== undefined) return;
    let before = this.#channel.figures;
    const look = (): void => {
      const channel = this.#channel;
      this.#giveUp();
      if (channel.state.dead) return;
      const { figures } = channel;
      const isStuck = before.isStalled && figures.isStalled && before.bytesSent === figures.bytesSent;
      if (isStuck) return channel.reset('CONNECTION_RESET');
      before = figures;
      this.#lastWords?.refresh();
    };
    this.#lastWords = setTimeout(look, LAST_WORDS);
  }
}

/** Calls back when nothing of `pieces` waits any more. */
function after(pieces: PacedPieces | undefined, callback: () => void): void {
  if (pieces === undefined || pieces.isEmpty) callback();
  else pieces.onEmpty = callback;
}
