import type { RelaySocket } from './reset-socket.js';
import { postSlab, SLAB_SIZE, type Slab, scratch, unpostSlab } from './slabs.js';

/** A read of so much makes a socket a busy one, with a slab of its own; so many smaller ones in a row end that. */
const LARGE_READ = SLAB_SIZE / 4;
const SMALL_READS = 16;
/** Sockets with a slab of their own: one that falls silent keeps it. Others read into the scratch buffer. */
const MAX_BUSY = 128;
let busy = 0;

/** What a socket keeps for `onread`, and where. */
interface Places {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

interface UserBufferHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * Has a socket read into slabs in place of memory that Node allocates for each read; `onBytes` takes what it read, valid
 * until it returns unless it is kept (slabs.ts). Ends, errors, `pause` and `resume` are as ever, and so is what the
 * socket holds already, which comes as 'data'. The caller stops what is returned when the socket is closed; it is undefined
 * where Node does not allow it, and all comes as 'data' then.
 *
 * Node offers this as `onread`, to those who connect alone; sockets that were accepted can do the same, but nobody asks
 * them (`net.Server` ignores the option). So it is set here as `net.connect` sets it.
 */
export function readIntoSlabs(socket: RelaySocket, onBytes: (bytes: Buffer) => void): SlabReader | undefined {
  const found = placesOf(socket);
  const handle = (socket as { _handle?: Partial<UserBufferHandle> | null })._handle;
  if (found === undefined || typeof handle?.useUserBuffer !== 'function') return undefined;
  const reader = new SlabReader(onBytes);
  Object.assign(socket, {
    [found.buffer]: scratch,
    [found.callback]: (length: number, buffer: Buffer) => reader.onRead(length, buffer),
    [found.generator]: () => reader.next,
  });
  handle.useUserBuffer(scratch);
  return reader;
}

let places: Places | undefined;

function placesOf(socket: RelaySocket): Places | undefined {
  if (places === undefined || !(places.buffer in socket)) places = findPlaces(socket);
  return places;
}

function findPlaces(socket: RelaySocket): Places | undefined {
  const found = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]));
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => found.get(name));
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}

/** Where one socket reads to: the scratch buffer while it brings little, slabs of its own when it brings much. */
export class SlabReader {
  readonly #onBytes: (bytes: Buffer) => void;
  #slab: Slab | undefined;
  /** Of the slab, what was read before and is kept. */
  #used = 0;
  #smallReads = 0;

  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  onRead(length: number, buffer: Buffer): void {
    this.#onBytes(buffer.length === length ? buffer : buffer.subarray(0, length));
    this.#smallReads = length < LARGE_READ ? this.#smallReads + 1 : 0;
    if (this.#slab !== undefined) this.#goOn(this.#slab, length);
    else if (length >= LARGE_READ && busy < MAX_BUSY) this.#begin();
  }

  /** Where the next read goes. */
  get next(): Buffer {
    if (this.#slab === undefined) return scratch;
    return this.#used === 0 ? this.#slab.bytes : this.#slab.bytes.subarray(this.#used);
  }

  /** The socket is closed. */
  stop(): void {
    if (this.#slab === undefined) return;
    unpostSlab(this.#slab);
    this.#slab = undefined;
    busy -= 1;
  }

  #begin(): void {
    this.#slab = postSlab();
    this.#used = 0;
    busy += 1;
  }

  #goOn(slab: Slab, length: number): void {
    if (this.#smallReads >= SMALL_READS) return this.stop();
    if (slab.keepers === 0) {
      this.#used = 0;
      return;
    }
    this.#used += length;
    // TLS brings records of 16 KiB: the next one has its place behind this one.
    if (SLAB_SIZE - this.#used >= LARGE_READ && length <= LARGE_READ) return;
    unpostSlab(slab);
    this.#slab = postSlab();
    this.#used = 0;
  }
}
