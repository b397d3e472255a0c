import { readSync } from 'node:fs';
import type { Channel } from './channel/channel.js';
import type { ChannelSink } from './channel/handlers.js';
import type { FailureCode } from './failures.js';
import { PacedSource, type RelayPace } from './relay-pace.js';
import { RelayWriter } from './relay-writer.js';
import type { RelaySocket } from './reset-socket.js';
import { readIntoSlabs, type SlabReader } from './slab-reader.js';

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

class Relay implements ChannelSink {
  readonly #channel: Channel;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace | undefined;
  readonly #writer: RelayWriter;
  readonly #source: PacedSource;
  #reader: SlabReader | undefined;
  #wasReset = false;
  #hasEnded = false;

  constructor(channel: Channel, socket: RelaySocket, pace: RelayPace | undefined) {
    this.#channel = channel;
    this.#socket = socket;
    this.#pace = pace;
    this.#writer = new RelayWriter(channel, socket, pace);
    this.#source = new PacedSource(socket);
  }

  start(): void {
    const socket = this.#socket;
    this.#channel.start(this);
    const onBytes = (bytes: Buffer): void => this.#onBytes(bytes);
    socket.on('data', onBytes);
    this.#reader = readIntoSlabs(socket, onBytes);
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
    if (!endedByReset(this.#socket)) return this.#channel.end();
    this.#passOnReset();
    // Nothing else would: to Node the socket is half open.
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
  }
}

/**
 * On Node 20 and 22 a reset that arrives together with data is reported as a clean end. Reading once more tells: nothing
 * comes after an end, an error after a reset. (That the socket has no peer any more does not tell: after both ends have
 * ended it cleanly it has none either.) Windows has no descriptor to read from.
 */
function endedByReset(socket: RelaySocket): boolean {
  const { fd = -1 } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (fd < 0) return socket.remoteAddress === undefined && socket.localAddress !== undefined && !socket.writableEnded;
  try {
    return readSync(fd, Buffer.alloc(1)) > 0;
  } catch {
    return true;
  }
}
