import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/**
 * A TLS socket, for Node to put HTTP/2 on. Put on the socket itself, HTTP/2 calls nghttp2 within a call of nghttp2 when a write fails at
 * once: it reads bytes a second time, tells wrong ones, and damages its memory (nodejs/node#38964). It also reads nothing while it writes,
 * so that two ends that both send wait for each other, and of a cut nobody hears. Here each write ends later, without an error, and soon.
 */
export class SocketBelowHttp2 extends Duplex {
  readonly #socket: TLSSocket;
  /** What may wait for the peer to read, bytes. */
  #limit: number;
  /** Writes to the socket that it has not ended. */
  #waiting = 0;
  /** Ends the write that waits for others to end. */
  #goOn: (() => void) | undefined;

  /** Ends with the socket, and the socket with it. `isStranger`: nobody has said who the peer is, until `letIn`. */
  constructor(socket: TLSSocket, isStranger = false) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#limit = isStranger ? BACKLOG_OF_STRANGER : LARGEST_BACKLOG;
    // As Node does for a socket of its own.
    socket.setNoDelay();
    socket.on('data', (bytes) => {
      if (!this.push(bytes)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
    // A peer that ends its half of a connection of HTTP/2 has left.
    this.once('end', () => this.destroy());
  }

  /** The peer has said who it is. */
  letIn(): void {
    this.#limit = LARGEST_BACKLOG;
    this.#endWrite();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(bytes);
    this.#goOn = done;
    this.#endWrite();
  }

  override _writev(pieces: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const socket = this.#socket;
    socket.cork();
    for (const { chunk } of pieces) this.#send(chunk);
    socket.uncork();
    this.#goOn = done;
    this.#endWrite();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #send(bytes: Buffer): void {
    this.#waiting += 1;
    this.#socket.write(bytes, this.#onSent);
  }

  readonly #onSent = (): void => {
    this.#waiting -= 1;
    this.#endWrite();
  };

  #endWrite(): void {
    const goOn = this.#goOn;
    if (goOn === undefined || this.#socket.writableLength + this.#waiting * COST_OF_WRITE >= this.#limit) return;
    this.#goOn = undefined;
    goOn();
  }
}

/** More than this waits for the peer to read before it is answered again, bytes; more than a transport leaves waiting. */
const LARGEST_BACKLOG = 1_048_576;
/** Of strangers there are many, and none of them is sent much. */
const BACKLOG_OF_STRANGER = 65_536;
/** What Node keeps of a write that waits, besides its bytes, is of this order: answers to PING have 17. */
const COST_OF_WRITE = 512;
