import { allocateAlone, copyOf } from '../bytes.js';
import { LONE_FRAME_SIZE } from '../constants.js';

/** What is read from a socket at once, bytes: one frame, whose headers, and those of TLS, leave it below 64 KiB. */
export const SLAB_SIZE: number = LONE_FRAME_SIZE;
/** In front of them, for those headers: the whole can then be written as one piece. */
const SLAB_HEADROOM = 64;
/** Free slabs that are kept for the next reads; more are left to the garbage collector. */
const MAX_FREE = 512;

/**
 * Memory that sockets are read into, again and again. What Node allocates for each read counts as garbage of the old
 * generation as soon as it waits for an acknowledgement, and collecting that costs more than carrying it.
 *
 * A slab is free when it is neither posted for a read nor kept by anybody. Whoever keeps bytes beyond the call that
 * brought them says so with `keep`, and says `release` when the last use of them is over. Release that never comes
 * costs a slab, which is collected like any other memory; release that comes too early would change bytes that others
 * still need, so whatever is unsure how long it needs them does not release.
 */
class Slab {
  readonly bytes: Uint8Array = allocateAlone(SLAB_HEADROOM + SLAB_SIZE).subarray(SLAB_HEADROOM);
  isPosted = false;
  keepers = 0;

  constructor() {
    owners.set(this.bytes.buffer, this);
  }
}

export type { Slab };

const owners = new WeakMap<ArrayBufferLike, Slab>();
const free: Slab[] = [];
/** The fewest that were free since the last trim: so many were superfluous. */
let fewestFree = 0;

/** A buffer into which every idle socket reads: its bytes are valid in the callback of the read, and not after. */
export const scratch: Uint8Array = allocateAlone(SLAB_SIZE);

/** A slab for reads, until `unpost`. */
export function postSlab(): Slab {
  const slab = free.pop() ?? new Slab();
  fewestFree = Math.min(fewestFree, free.length);
  slab.isPosted = true;
  return slab;
}

/** Nothing more is read into it. */
export function unpostSlab(slab: Slab): void {
  slab.isPosted = false;
  recycle(slab);
}

/** Bytes like `bytes` that stay as they are until `release`: the same ones, but for those in the scratch buffer. */
export function keep(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer === scratch.buffer) return movedOut(bytes);
  const owner = owners.get(bytes.buffer);
  if (owner !== undefined) owner.keepers += 1;
  return bytes;
}

/** How much of the memory in front of `bytes` is free, for whoever keeps them: that of a slab, if they begin it. */
export function headroomOf(bytes: Uint8Array): number {
  const owner = owners.get(bytes.buffer);
  return owner !== undefined && bytes.byteOffset === owner.bytes.byteOffset ? SLAB_HEADROOM : 0;
}

function movedOut(bytes: Uint8Array): Uint8Array {
  if (bytes.length < SLAB_SIZE / 4) return copyOf(bytes);
  const slab = postSlab();
  slab.isPosted = false;
  slab.keepers = 1;
  slab.bytes.set(bytes);
  return slab.bytes.subarray(0, bytes.length);
}

/** The bytes that `keep` gave are not needed any more by whoever called it; once for each call. */
export function release(kept: Uint8Array): void {
  const owner = owners.get(kept.buffer);
  if (owner === undefined) return;
  // After one release too many nobody knows who needs it: it is not used again.
  owner.keepers = owner.keepers > 0 ? owner.keepers - 1 : Number.POSITIVE_INFINITY;
  recycle(owner);
}

function recycle(slab: Slab): void {
  if (!slab.isPosted && slab.keepers === 0 && free.length < MAX_FREE) free.push(slab);
}

/** Lets go of the slabs that nobody has needed since the last time; returns how many wait to be used again. */
export function trimSlabs(): number {
  free.splice(0, fewestFree);
  fewestFree = free.length;
  return fewestFree;
}
