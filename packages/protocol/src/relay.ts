import type { Channel } from './channel/channel.js';
import type { ChannelSink } from './channel/handlers.js';
import type { FailureCode } from './failures.js';
import { outliveFailedWrites } from './outlive-writes.js';
import { PacedSource, type RelayPace } from './relay-pace.js';
import { RelayWriter } from './relay-writer.js';
import type { RelaySocket } from './reset-socket.js';
import { readIntoSlabs, type SlabReader } from './slab-reader.js';
import { endedByReset } from './socket-death.js';

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
/**
 * What came before a reset has this long to be read, and longer only while the peer takes it, ms: a reader that does not
 * read is to learn of the reset all the same, as it would without a tunnel.
 */
const LAST_WORDS = 1_000;

class Relay implements ChannelSink {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace | undefined;
  readonly #writer: RelayWriter;
  readonly #source: PacedSource;
  #reader: SlabReader | undefined;
  /** The socket is dead; what it had received before may still come. */
  #isDead = false;
  #wasReset = false;
  #hasEnded = false;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(channel: Channel, socket: RelaySocket, pace: RelayPace | undefined) {
    this.#channel = channel;
    this.#socket = socket;
    this.#pace = pace;
    this.#writer = new RelayWriter(channel, socket, pace);
    this.#source = new PacedSource(socket, () => this.#onDead());
  }

  start(): void {
    const socket = this.#socket;
    this.#channel.start(this);
    const onBytes = (bytes: Buffer): void => this.#onBytes(bytes);
    outliveFailedWrites(socket, () => this.#onDead());
    socket.on('data', onBytes);
    this.#reader = readIntoSlabs(socket, onBytes, this.#channel);
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', () => this.#onSocketError());
    socket.on('close', () => this.#onSocketClose());
    // Its events are past; nobody else will say so.
    if (socket.destroyed) this.#passOnReset();
    else socket.resume();
  }

  onData(chunk: Buffer, isMore: boolean): void {
    this.#writer.write(chunk, isMore);
  }

  onEnd(): void {
    this.#hasEnded = true;
    this.#writer.endWhenDone();
  }

  onReset(code: FailureCode): void {
    this.#wasReset = true;
    clearTimeout(this.#lastWords);
    if (this.#hasEnded && code === 'CANCELLED') this.#writer.closeWhenDone();
    else this.#writer.resetWhenDone(code === 'SESSION_LOST' ? 0 : RESET_DELAY);
  }

  onWritable(): void {
    this.#source.unblock();
  }

  #onBytes(bytes: Buffer): void {
    if (!this.#channel.write(bytes)) this.#source.block();
    const wait = this.#pace?.fromSocket(bytes.length) ?? 0;
    if (wait > 0) this.#source.hold(wait);
  }

  #onSocketEnd(): void {
    if (this.#isDead || endedByReset(this.#socket)) return this.#giveUp();
    this.#channel.end();
    this.#source.end();
  }

  /** Nothing can be written any more. What was received before is still read, as far as there is room for it. */
  #onDead(): void {
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

  #onSocketError(): void {
    const socket = this.#socket;
    // Read before the error, and still in the socket because it was paused.
    for (let rest = socket.read() as Buffer | null; rest !== null; rest = socket.read() as Buffer | null) {
      this.#channel.write(rest);
    }
    this.#passOnReset();
  }

  #onSocketClose(): void {
    this.#reader?.stop();
    this.#source.stop();
    this.#writer.stop();
    // Without having ended: destroyed by someone, or half of it failed.
    if (!this.#socket.readableEnded || !this.#socket.writableFinished) this.#passOnReset();
  }

  #passOnReset(): void {
    if (this.#wasReset) return;
    this.#wasReset = true;
    this.#channel.endWithReset('CONNECTION_RESET');
    this.#limitLastWords();
  }

  /** Begins once, by the first sign of the reset. */
  #limitLastWords(): void {
    if (this.#lastWords !== undefined) return;
    let isStalled = this.#channel.isStalled;
    let sent = this.#channel.bytesSent;
    const look = (): void => {
      const channel = this.#channel;
      this.#giveUp();
      if (channel.state.dead) return;
      if (isStalled && channel.isStalled && channel.bytesSent === sent) return channel.reset('CONNECTION_RESET');
      isStalled = channel.isStalled;
      sent = channel.bytesSent;
      this.#lastWords?.refresh();
    };
    this.#lastWords = setTimeout(look, LAST_WORDS);
  }
}
