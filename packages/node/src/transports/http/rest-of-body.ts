import type { IncomingMessage } from 'node:http';
import type { SlabPool } from 'wsproxy-engine';
import { ChunkedReader } from '../../http-message/chunked.js';
import { readIntoSlabs } from '../../internals/read-into-slabs.js';
import { readPastServer } from '../../internals/undocumented.js';

/**
 * The rest of a body in chunks, of the last request on its connection, read past Node's HTTP server, which gives each part of a body
 * memory of its own. Its next byte begins a chunk, or the end of the line behind the last one.
 */
export class RestOfBody {
  readonly #request: IncomingMessage;
  readonly #taker: RestTaker;
  readonly #chunks = new ChunkedReader(true);
  #isAtBegin = true;

  /** Undefined where all of it comes by the request itself. To be called between two reads, once all that has come was read. */
  static take(request: IncomingMessage, memory: SlabPool, taker: RestTaker): RestOfBody | undefined {
    if (!/^chunked$/i.test(request.headers['transfer-encoding'] ?? '')) return undefined;
    const rest = new RestOfBody(request, taker);
    return rest.#begin(memory) ? rest : undefined;
  }

  private constructor(request: IncomingMessage, taker: RestTaker) {
    this.#request = request;
    this.#taker = taker;
  }

  pause(): void {
    this.#request.socket.pause();
  }

  resume(): void {
    this.#request.socket.resume();
  }

  #begin(memory: SlabPool): boolean {
    const { socket } = this.#request;
    if (!readPastServer(this.#request, (bytes) => this.#onBytes(bytes))) return false;
    const slabs = readIntoSlabs(socket, memory, {
      onBytes: ({ buffer, byteOffset, length }) => this.#onBytes(Buffer.from(buffer, byteOffset, length)),
    });
    socket.once('close', () => slabs?.stop());
    return true;
  }

  #onBytes(bytes: Buffer): void {
    const { socket } = this.#request;
    if (this.#chunks.isOver || socket.destroyed) return;
    try {
      this.#chunks.read(this.#skipLineEnd(bytes), (piece) => {
        if (!socket.destroyed) this.#taker.onData(piece);
      });
    } catch {
      // The request is told of that, as of any cut.
      socket.destroy();
    }
    if (this.#chunks.isOver) this.#taker.onWhole();
  }

  /** What Node has not read of it. */
  #skipLineEnd(bytes: Buffer): Buffer {
    let at = 0;
    while (this.#isAtBegin && at < bytes.length) {
      this.#isAtBegin = LINE_ENDS.has(bytes[at] as number);
      if (this.#isAtBegin) at += 1;
    }
    return bytes.subarray(at);
  }
}

/** Takes the rest of a body; that it was cut its request tells. */
export interface RestTaker {
  onData(piece: Buffer): void;
  onWhole(): void;
}

/** CR and LF. */
const LINE_ENDS: ReadonlySet<number> = new Set([0x0d, 0x0a]);
