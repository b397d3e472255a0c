import { allocateAlone, copyOf } from '../bytes.js';
import type { Clock, Timer } from '../clock.js';
import { CHANNEL_FLOOR, LONE_FRAME_SIZE } from '../constants.js';
import { holds } from '../invariant.js';
import { HeaderArena } from './header-arena.js';

/**
 * Memory that sockets are read into, again and again. What Node allocates for each read counts as garbage of the old
 * generation as soon as it waits for an acknowledgement, and collecting that costs more than carrying it.
 *
 * A slab is free when it is neither posted for a read nor kept by anybody. Anyone who keeps bytes beyond the call that
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
  /** Free ones by their level. */
  readonly #free: readonly FreeSlabs[] = Array.from({ length: TOP_LEVEL + 1 }, () => ({ slabs: [], fewest: 0 }));
  #freeBytes = 0;
  /** Bytes of those above the lowest level that are posted. */
  #posted = 0;
  #kept = 0;
  /** Bytes of those above the lowest level that are kept. */
  #held = 0;
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

  /** The bytes that `keep` gave are not needed any more by the one who called it; once for each call. */
  release(kept: Uint8Array): void {
    const owner = this.#owners.get(kept.buffer);
    if (owner === undefined) return;
    const isKept = owner.keepers > 0;
    // After one release too many nobody knows who needs it: it is not used again.
    owner.keepers = isKept ? owner.keepers - 1 : Number.POSITIVE_INFINITY;
    holds(isKept, 'more of a slab is released than was kept');
    if (owner.keepers === 0) {
      this.#kept -= 1;
      this.#held -= largeBytesOf(owner);
    }
    this.#recycle(owner);
  }

  /** How much of the memory in front of `bytes` is free, for anyone who keeps them: if they begin what a slab was last read into. */
  headroomOf(bytes: Uint8Array): number {
    const owner = this.#owners.get(bytes.buffer);
    return owner !== undefined && bytes.byteOffset === owner.readAt ? SLAB_HEADROOM : 0;
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

  /**
   * The level at which a busy reader may have a slab that would like one of `wanted` bytes, in place of `present`: all of
   * them have the same share, and what is posted is bounded. So is what is kept: a peer can see to it that little waits in each
   * slab, and all of the slab with it.
   */
  levelFor(wanted: number, present: Slab): number {
    const share = POSTED_LIMIT / this.#busy.size;
    const left = Math.min(POSTED_LIMIT - this.#posted + largeBytesOf(present), HELD_LIMIT - this.#held);
    let level = TOP_LEVEL;
    while (level > 0 && memoryAt(level) > Math.min(wanted, share, left)) level -= 1;
    return level;
  }

  /** A slab for reads, until `unpost`. */
  post(level = 0): Slab {
    const slab = this.#takeFree(level) ?? this.#newSlab(level);
    slab.isPosted = true;
    this.#posted += largeBytesOf(slab);
    return slab;
  }

  /** Nothing more is read into it. */
  unpost(slab: Slab): void {
    slab.isPosted = false;
    this.#posted -= largeBytesOf(slab);
    this.#recycle(slab);
  }

  /** Lets go of the slabs that nobody has needed since the last time; returns how many wait to be used again. */
  trim(): number {
    for (const [level, free] of this.#free.entries()) {
      this.#freeBytes -= memoryAt(level) * free.slabs.splice(0, free.fewest).length;
      free.fewest = free.slabs.length;
    }
    if (this.#isTidy) {
      this.#tidying?.cancel();
      this.#tidying = undefined;
    }
    return this.#fewestFree;
  }

  get #fewestFree(): number {
    return this.#free.reduce((sum, { fewest }) => sum + fewest, 0);
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

  /** The one that was used last: its bytes may still be near the processor. */
  #takeFree(level: number): Slab | undefined {
    const free = this.#free[level] as FreeSlabs;
    const slab = free.slabs.pop();
    if (slab === undefined) return undefined;
    this.#freeBytes -= slab.memory;
    free.fewest = Math.min(free.fewest, free.slabs.length);
    slab.reset();
    return slab;
  }

  #newSlab(level: number): Slab {
    const slab = new Slab(level);
    this.#owners.set(slab.bytes.buffer, slab);
    // As if it had been free: none was superfluous.
    (this.#free[level] as FreeSlabs).fewest = 0;
    return slab;
  }

  #keepSlab(slab: Slab): void {
    if (slab.keepers === 0) {
      this.#kept += 1;
      this.#held += largeBytesOf(slab);
    }
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
    if (slab.isPosted || slab.keepers > 0 || this.#freeBytes + slab.memory > FREE_LIMIT) return;
    this.#freeBytes += slab.memory;
    this.#free[slab.level]?.slabs.push(slab);
    // Also where it was kept for so long that nobody looks any more.
    this.#tidyLater();
  }
}

/** Somebody with a slab of its own, which it gives back when it has needed none for long. */
export interface BusyReader {
  restIfSilent(now: number): void;
}

/**
 * A piece of memory: 64 KiB at level 0, twice as much at each further one. What is read is put behind what was read before and
 * is still kept, with some room in front of it.
 */
export class Slab {
  readonly level: number;
  /** Bytes of its memory, and what of them is for reads. */
  readonly memory: number;
  readonly bytes: Uint8Array;
  /** Where the next read goes, and where in the memory the last one has begun. */
  free: Uint8Array;
  readAt: number = SLAB_HEADROOM;
  isPosted = false;
  keepers = 0;

  constructor(level: number) {
    this.level = level;
    this.memory = memoryAt(level);
    this.bytes = allocateAlone(this.memory).subarray(SLAB_HEADROOM);
    this.free = this.bytes;
  }

  /** `length` bytes were read to its free end. False when too little is left there for another read. */
  use(length: number): boolean {
    this.readAt = this.free.byteOffset;
    const used = length + SLAB_HEADROOM;
    if (this.free.length - used < this.bytes.length / LEAST_PART) return false;
    this.free = this.free.subarray(used);
    return true;
  }

  /** Nobody keeps any of it. */
  reset(): void {
    this.free = this.bytes;
    this.readAt = SLAB_HEADROOM;
  }
}

/** Free slabs of one level, and the fewest that there were since the last trim: so many were superfluous. */
interface FreeSlabs {
  readonly slabs: Slab[];
  fewest: number;
}

function memoryAt(level: number): number {
  return SMALLEST * 2 ** level;
}

/** Of what is bounded: there are few enough small ones in any case. */
function largeBytesOf({ level, memory }: Slab): number {
  return level === 0 ? 0 : memory;
}

const SMALLEST = 65_536;
/** What is read into the smallest slab at once, bytes: one frame, whose headers, and those of TLS, leave it below 64 KiB. */
export const SLAB_SIZE: number = LONE_FRAME_SIZE;
/** In front of what was read, for those headers: the whole can then be written as one piece. */
const SLAB_HEADROOM: number = SMALLEST - SLAB_SIZE;
const TOP_LEVEL = 2;
/** A slab of that level. */
export const LARGEST_SLAB: number = memoryAt(TOP_LEVEL);
/** Less than this part of a slab is not worth a read. */
const LEAST_PART = 4;
/** What busy readers may have posted above the lowest level, all together, bytes. */
const POSTED_LIMIT = 16_777_216;
/** What of those may be kept before no more of them are posted, bytes. */
const HELD_LIMIT = 67_108_864;
/** Free slabs that are kept for the next reads, bytes; more are left to the garbage collector. */
const FREE_LIMIT = 33_554_432;
/** Readers with a slab of their own, at most; the others read into the scratch buffer. */
const MAX_BUSY = 128;
/** Bytes of memory that may be pinned, no matter what peers and destinations do. */
const MAX_PINNED = 16_777_216;
/** How often silent readers and superfluous slabs are looked for, ms. */
const TIDY_INTERVAL = 1_000;
