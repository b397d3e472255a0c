import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/**
 * A TLS socket, for Node to put HTTP/2 on. Put on the socket itself, HTTP/2 calls nghttp2 within a call of nghttp2 when a write fails at
 * once: it reads bytes a second time, tells wrong ones, and damages its memory (nodejs/node#38964). It also reads nothing while it writes,
 * so that two ends that both send wait for each other, and of a cut nobody hears. Here each write ends later, without an error, and soon.
 */
export class SocketBelowHttp2 extends Duplex {
  readonly #socket: TLSSocket;

  /** Ends with the socket, and the socket with it. */
  constructor(socket: TLSSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
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

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#socket.write(bytes);
    this.#whenTaken(done);
  }

  override _writev(pieces: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const socket = this.#socket;
    socket.cork();
    for (const { chunk } of pieces) socket.write(chunk);
    socket.uncork();
    this.#whenTaken(done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #whenTaken(done: () => void): void {
    if (this.#socket.writableLength < LARGEST_BACKLOG) done();
    else this.#socket.once('drain', done);
  }
}

/** More than this waits for the peer to read before it is answered again, bytes; more than a transport leaves waiting. */
const LARGEST_BACKLOG = 1_048_576;
