import { CHANNEL_FLOOR } from '../constants.js';
import { type BusyReader, LARGEST_SLAB, SLAB_SIZE, type Slab, type SlabPool } from './slab-pool.js';

/** Where one socket reads to: the scratch buffer while it brings little, slabs of its own when it brings much. */
export class SlabReader implements BusyReader {
  readonly #pool: SlabPool;
  readonly #taker: ByteTaker;
  readonly #readInto: (bytes: Uint8Array) => void;
  #slab: Slab | undefined;
  /** How large a slab it would like to have, bytes. */
  #wanted = 0;
  /** Reads into the present one, and what they brought, bytes. */
  #reads = 0;
  #bytes = 0;
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
    if (this.#slab !== undefined) return this.#slab.free;
    return this.#appetite <= CHANNEL_FLOOR ? this.#pool.sip : this.#pool.scratch;
  }

  get #appetite(): number {
    return this.#taker.appetite ?? Number.POSITIVE_INFINITY;
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
    this.#wanted = 0;
  }

  #begin(): void {
    this.#slab = this.#pool.lend(this);
    this.#reads = 0;
    this.#bytes = 0;
  }

  #goOn(slab: Slab, length: number): void {
    if (this.#smallReads >= SMALL_READS) return this.stop();
    this.#reads += 1;
    this.#bytes += length;
    const isFull = length === slab.bytes.length;
    const isRoom = slab.keepers === 0 || slab.use(length);
    const isTooLarge = slab.level > 0 && slab.bytes.length > this.#appetite;
    if (isRoom && !isFull && !isTooLarge && this.#reads < MANY_READS) {
      if (slab.keepers === 0) slab.reset();
      return;
    }
    if (isFull) this.#wanted = Math.min(LARGEST_SLAB, 2 * slab.memory);
    else if (this.#bytes < (this.#reads * slab.memory) / SMALL_PART) this.#wanted = slab.memory / 2;
    this.#exchange(slab);
  }

  /** For one of the size that it would like, as far as there are such, and the one who takes what is read likes so much. */
  #exchange(slab: Slab): void {
    this.#reads = 0;
    this.#bytes = 0;
    const level = this.#pool.levelFor(Math.min(this.#wanted, this.#appetite), slab);
    if (level === slab.level && slab.keepers === 0) return slab.reset();
    this.#pool.unpost(slab);
    this.#slab = this.#pool.post(level);
  }
}

/** Takes what is read. */
export interface ByteTaker {
  /** They are valid until this returns, unless they are kept. */
  onBytes(bytes: Uint8Array): void;
  /** So many bytes should a read bring at most, as far as there is a choice; undefined for any number. */
  readonly appetite?: number;
}

/** A read of so much makes a socket a busy one, with a slab of its own; so many smaller ones in a row end that. */
const LARGE_READ = SLAB_SIZE / 4;
const SMALL_READS = 16;
/** A slab is too large for reads that bring less than this part of it, on average of so many if nobody keeps any. */
const SMALL_PART = 8;
const MANY_READS = 16;
/** A socket that was silent for so long returns its slab, ms; the time grows by so much with each return. */
const SILENCE = 10_000;
const LONGER = 1_000;
/** So often: each time leaves some 50 bytes with the socket, of Node's memory, until it is closed. */
const MAX_RESTS = 1_000;
