import { allocateAlone, copyOf } from '../bytes.js';
import type { Clock, Timer } from '../clock.js';
import { CHANNEL_FLOOR, LONE_FRAME_SIZE } from '../constants.js';
import { holds } from '../invariant.js';
import { HeaderArena } from './header-arena.js';

/**
 * Memory that sockets are read into, again and again. What Node allocates for each read counts as garbage of the old
 * generation as soon as it waits for an acknowledgement, and collecting that costs more than carrying it.
 *
 * A slab is free when it is neither posted for a read nor kept by anybody. Whoever keeps bytes beyond the call that
 * brought them says so with `keep`, and says `release` when the last use of them is over. Release that never comes
 * costs a slab, which is collected like any other memory; release that comes too early would change bytes that others
 * still need. One pool serves all sessions, transports and relays that pass bytes on to each other: no other one knows
 * whose its slabs are.
 */
export class SlabPool {
  /** Where sessions write the headers of frames. */
  readonly headers: HeaderArena = new HeaderArena();
  readonly #clock: Clock;
  readonly #owners = new WeakMap<ArrayBufferLike, Slab>();
  readonly #free: Slab[] = [];
  /** The fewest that were free since the last trim: so many were superfluous. */
  #fewestFree = 0;
  #kept = 0;
  #pinned = 0;
  #scratch: Uint8Array | undefined;
  #sip: Uint8Array | undefined;
  /** Those that have a slab of their own. */
  readonly #busy = new Set<BusyReader>();
  /** Runs while there are such, and until nothing is left to let go. */
  #tidying: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A buffer into which every idle socket reads: its bytes are valid in the callback of the read, and not after. */
  get scratch(): Uint8Array {
    this.#scratch ??= allocateAlone(SLAB_SIZE);
    return this.#scratch;
  }

  /** So much of it that a read into it brings little. */
  get sip(): Uint8Array {
    this.#sip ??= this.scratch.subarray(0, CHANNEL_FLOOR);
    return this.#sip;
  }

  /** Slabs of which somebody keeps bytes. */
  get kept(): number {
    return this.#kept;
  }

  /** Bytes like `bytes` that stay as they are until `release`: the same ones, but for those in the scratch buffer. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.buffer === this.#scratch?.buffer) return this.#moveOut(bytes);
    const owner = this.#owners.get(bytes.buffer);
    if (owner !== undefined) this.#keepSlab(owner);
    return bytes;
  }

  /** The bytes that `keep` gave are not needed any more by whoever called it; once for each call. */
  release(kept: Uint8Array): void {
    const owner = this.#owners.get(kept.buffer);
    if (owner === undefined) return;
    const isKept = owner.keepers > 0;
    // After one release too many nobody knows who needs it: it is not used again.
    owner.keepers = isKept ? owner.keepers - 1 : Number.POSITIVE_INFINITY;
    holds(isKept, 'more of a slab is released than was kept');
    if (owner.keepers === 0) this.#kept -= 1;
    this.#recycle(owner);
  }

  /** How much of the memory in front of `bytes` is free, for whoever keeps them: that of a slab, if they begin it. */
  headroomOf(bytes: Uint8Array): number {
    const owner = this.#owners.get(bytes.buffer);
    return owner !== undefined && bytes.byteOffset === owner.bytes.byteOffset ? SLAB_HEADROOM : 0;
  }

  /**
   * Counts the memory behind bytes that may have to wait, though they are a little of it: they should leave in this turn.
   * False when too much is counted already: then they are better copied. Until `unpin`.
   */
  pin({ buffer }: Uint8Array): boolean {
    if (this.#pinned >= MAX_PINNED) return false;
    this.#pinned += buffer.byteLength;
    return true;
  }

  /** `memory`: bytes of memory that `pin` has counted. */
  unpin(memory: number): void {
    this.#pinned -= memory;
    holds(this.#pinned >= 0, 'more memory is unpinned than was pinned');
  }

  /** A slab for reads of its own, until `takeBack`; undefined when too many have one. */
  lend(reader: BusyReader): Slab | undefined {
    if (this.#busy.size >= MAX_BUSY) return undefined;
    this.#busy.add(reader);
    this.#tidyLater();
    return this.post();
  }

  takeBack(reader: BusyReader, slab: Slab): void {
    this.#busy.delete(reader);
    this.unpost(slab);
  }

  /** A slab for reads, until `unpost`. */
  post(): Slab {
    const slab = this.#free.pop() ?? this.#newSlab();
    this.#fewestFree = Math.min(this.#fewestFree, this.#free.length);
    slab.isPosted = true;
    return slab;
  }

  /** Nothing more is read into it. */
  unpost(slab: Slab): void {
    slab.isPosted = false;
    this.#recycle(slab);
  }

  /** Lets go of the slabs that nobody has needed since the last time; returns how many wait to be used again. */
  trim(): number {
    this.#free.splice(0, this.#fewestFree);
    this.#fewestFree = this.#free.length;
    if (this.#isTidy) {
      this.#tidying?.cancel();
      this.#tidying = undefined;
    }
    return this.#fewestFree;
  }

  /** There is nothing to look for. */
  get #isTidy(): boolean {
    return this.#fewestFree === 0 && this.#busy.size === 0;
  }

  #tidyLater(): void {
    this.#tidying ??= this.#clock.setTimer(() => {
      this.#tidying = undefined;
      for (const reader of this.#busy) reader.restIfSilent(this.#clock.now());
      this.trim();
      if (!this.#isTidy) this.#tidyLater();
    }, TIDY_INTERVAL);
  }

  #newSlab(): Slab {
    const slab = new Slab();
    this.#owners.set(slab.bytes.buffer, slab);
    return slab;
  }

  #keepSlab(slab: Slab): void {
    if (slab.keepers === 0) this.#kept += 1;
    slab.keepers += 1;
  }

  #moveOut(bytes: Uint8Array): Uint8Array {
    if (bytes.length < SLAB_SIZE / 4) return copyOf(bytes);
    const slab = this.post();
    slab.isPosted = false;
    this.#keepSlab(slab);
    slab.bytes.set(bytes);
    return slab.bytes.subarray(0, bytes.length);
  }

  #recycle(slab: Slab): void {
    if (slab.isPosted || slab.keepers > 0 || this.#free.length >= MAX_FREE) return;
    this.#free.push(slab);
    // Also where it was kept for so long that nobody looks any more.
    this.#tidyLater();
  }
}

/** Somebody with a slab of its own, which it gives back when it has needed none for long. */
export interface BusyReader {
  restIfSilent(now: number): void;
}

export class Slab {
  readonly bytes: Uint8Array = allocateAlone(SLAB_HEADROOM + SLAB_SIZE).subarray(SLAB_HEADROOM);
  isPosted = false;
  keepers = 0;
}

/** What is read from a socket at once, bytes: one frame, whose headers, and those of TLS, leave it below 64 KiB. */
export const SLAB_SIZE: number = LONE_FRAME_SIZE;
/** In front of them, for those headers: the whole can then be written as one piece. */
const SLAB_HEADROOM = 64;
/** Free slabs that are kept for the next reads; more are left to the garbage collector. */
const MAX_FREE = 512;
/** Readers with a slab of their own, at most; the others read into the scratch buffer. */
const MAX_BUSY = 128;
/** Bytes of memory that may be pinned, whatever peers and destinations do. */
const MAX_PINNED = 16_777_216;
/** How often silent readers and superfluous slabs are looked for, ms. */
const TIDY_INTERVAL = 1_000;
