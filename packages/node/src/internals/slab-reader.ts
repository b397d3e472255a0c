import type { Duplex } from 'node:stream';
import { CHANNEL_FLOOR, postSlab, SLAB_SIZE, type Slab, scratch, trimSlabs, unpostSlab } from 'wsproxy-engine';
import { type ReadMemory, readInto, readNextInto } from './undocumented.js';

/** A read of so much makes a socket a busy one, with a slab of its own; so many smaller ones in a row end that. */
const LARGE_READ = SLAB_SIZE / 4;
const SMALL_READS = 16;
/** Sockets with a slab of their own, at most; the others read into the scratch buffer. */
const MAX_BUSY = 128;
const busy = new Set<SlabReader>();
/** One that has brought nothing for so long, since somebody looked, gives its slab back, ms; each time it takes longer by so much. */
const SILENCE = 10_000;
const LONGER = 1_000;
/** So often: each time leaves some 50 bytes with the socket, of Node's memory, until it is closed. */
const MAX_RESTS = 1_000;
/** How often silent sockets and superfluous slabs are looked for, ms. */
const TIDY_INTERVAL = 1_000;
/** Runs while sockets read much, and until nothing is left to let go. */
let tidying: NodeJS.Timeout | undefined;

/** Whoever takes what is read. */
export interface Taker {
  /** There is little memory for more: a read is to bring little. */
  readonly isTight: boolean;
}
/** A read into this brings little. */
const sip = scratch.subarray(0, CHANNEL_FLOOR);

/**
 * Has a socket read into slabs in place of memory that Node allocates for each read; `onBytes` takes what it read, valid
 * until it returns unless it is kept (slabs.ts). Ends, errors, `pause` and `resume` are as ever, and so is what the
 * socket holds already, which comes as 'data'. The caller stops what is returned when the socket is closed; it is undefined
 * where Node does not allow it, and all comes as 'data' then.
 */
export function readIntoSlabs(
  socket: Duplex,
  onBytes: (bytes: Uint8Array) => void,
  taker?: Taker,
): SlabReader | undefined {
  const reader = new SlabReader(socket, onBytes, taker);
  return readInto(socket, reader) ? reader : undefined;
}

/** Takes the slabs of sockets that have fallen silent at `now` ms, and lets go of those that nobody needs. */
export function tidySlabs(now: number): void {
  for (const reader of busy) reader.restIfSilent(now);
  if (trimSlabs() > 0 || busy.size > 0) return;
  clearInterval(tidying);
  tidying = undefined;
}

function keepTidy(): void {
  tidying ??= setInterval(() => tidySlabs(performance.now()), TIDY_INTERVAL).unref();
}

/** Where one socket reads to: the scratch buffer while it brings little, slabs of its own when it brings much. */
export class SlabReader implements ReadMemory {
  readonly #socket: Duplex;
  readonly #onBytes: (bytes: Uint8Array) => void;
  readonly #taker: Taker | undefined;
  #slab: Slab | undefined;
  /** Of the slab, what was read before and is kept. */
  #used = 0;
  #smallReads = 0;
  /** Since when it has brought nothing; undefined when it was not silent at the last look. */
  #silentSince: number | undefined;
  #rests = 0;

  constructor(socket: Duplex, onBytes: (bytes: Uint8Array) => void, taker: Taker | undefined) {
    this.#socket = socket;
    this.#onBytes = onBytes;
    this.#taker = taker;
  }

  onRead(length: number, buffer: Uint8Array): void {
    this.#onBytes(buffer.length === length ? buffer : buffer.subarray(0, length));
    this.#smallReads = length < LARGE_READ ? this.#smallReads + 1 : 0;
    this.#silentSince = undefined;
    if (this.#slab !== undefined) this.#goOn(this.#slab, length);
    else if (length >= LARGE_READ && busy.size < MAX_BUSY && this.#rests < MAX_RESTS) this.#begin();
  }

  /** Where the next read goes. */
  get next(): Uint8Array {
    if (this.#slab === undefined) return this.#taker?.isTight === true ? sip : scratch;
    return this.#used === 0 ? this.#slab.bytes : this.#slab.bytes.subarray(this.#used);
  }

  restIfSilent(now: number): void {
    this.#silentSince ??= now;
    if (now - this.#silentSince < SILENCE + LONGER * this.#rests) return;
    this.#rests += 1;
    this.stop();
    readNextInto(this.#socket, this.next);
  }

  /** The socket is closed. */
  stop(): void {
    if (this.#slab === undefined) return;
    unpostSlab(this.#slab);
    this.#slab = undefined;
    busy.delete(this);
  }

  #begin(): void {
    this.#slab = postSlab();
    this.#used = 0;
    busy.add(this);
    keepTidy();
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
