import { type BusyReader, SLAB_SIZE, type Slab, type SlabPool } from './slab-pool.js';

/** Where one socket reads to: the scratch buffer while it brings little, slabs of its own when it brings much. */
export class SlabReader implements BusyReader {
  readonly #pool: SlabPool;
  readonly #taker: ByteTaker;
  readonly #readInto: (bytes: Uint8Array) => void;
  #slab: Slab | undefined;
  /** Of the slab, what was read before and is kept. */
  #used = 0;
  #smallReads = 0;
  /** Since when it has brought nothing; undefined when it was not silent at the last look. */
  #silentSince: number | undefined;
  #rests = 0;

  /** `readInto` has the socket read elsewhere from now on, though it has read nothing since. */
  constructor(pool: SlabPool, taker: ByteTaker, readInto: (bytes: Uint8Array) => void) {
    this.#pool = pool;
    this.#taker = taker;
    this.#readInto = readInto;
  }

  onRead(length: number, bytes: Uint8Array): void {
    this.#taker.onBytes(bytes.length === length ? bytes : bytes.subarray(0, length));
    this.#smallReads = length < LARGE_READ ? this.#smallReads + 1 : 0;
    this.#silentSince = undefined;
    if (this.#slab !== undefined) this.#goOn(this.#slab, length);
    else if (length >= LARGE_READ && this.#rests < MAX_RESTS) this.#begin();
  }

  /** Where the next read goes. */
  get next(): Uint8Array {
    if (this.#slab !== undefined) return this.#used === 0 ? this.#slab.bytes : this.#slab.bytes.subarray(this.#used);
    return this.#taker.isTight === true ? this.#pool.sip : this.#pool.scratch;
  }

  restIfSilent(now: number): void {
    this.#silentSince ??= now;
    if (now - this.#silentSince < SILENCE + LONGER * this.#rests) return;
    this.#rests += 1;
    this.stop();
    this.#readInto(this.next);
  }

  /** The socket is closed. */
  stop(): void {
    if (this.#slab === undefined) return;
    this.#pool.takeBack(this, this.#slab);
    this.#slab = undefined;
  }

  #begin(): void {
    this.#slab = this.#pool.lend(this);
    this.#used = 0;
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
    this.#pool.unpost(slab);
    this.#slab = this.#pool.post();
    this.#used = 0;
  }
}

/** Takes what is read. */
export interface ByteTaker {
  /** They are valid until this returns, unless they are kept. */
  onBytes(bytes: Uint8Array): void;
  /** There is little memory for more: a read is to bring little. */
  readonly isTight?: boolean;
}

/** A read of so much makes a socket a busy one, with a slab of its own; so many smaller ones in a row end that. */
const LARGE_READ = SLAB_SIZE / 4;
const SMALL_READS = 16;
/** One that has brought nothing for so long, since somebody looked, gives its slab back, ms; each time it takes longer by so much. */
const SILENCE = 10_000;
const LONGER = 1_000;
/** So often: each time leaves some 50 bytes with the socket, of Node's memory, until it is closed. */
const MAX_RESTS = 1_000;
