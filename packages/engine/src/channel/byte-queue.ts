import { CHANNEL_FLOOR, CHANNEL_HIGH_WATER } from '../constants.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import { compact } from '../memory/compact.js';
import type { SlabPool } from '../memory/slab-pool.js';
import { SmallPieces } from '../memory/small-pieces.js';

/**
 * Chunks waiting to be sent, taken out in slices without copying. Each slice is kept as the whole chunk was. What waits
 * counts in a budget.
 */
export class ByteQueue {
  readonly #memory: SlabPool;
  #budget: MemoryBudget;
  #chunks: Uint8Array[] = [];
  /** Behind the chunks, once there are several. */
  #small: SmallPieces | undefined;
  /** Index of the first chunk, and where in it the next byte is. */
  #head = 0;
  #offset = 0;
  #length = 0;
  /** What was taken and may have to be taken again; undefined when it never will. */
  #taken: Uint8Array[] | undefined;

  /** `provisional`: what is taken can be put back by `rewind`, until `commit`. */
  constructor(memory: SlabPool, budget: MemoryBudget, provisional = false) {
    this.#memory = memory;
    this.#budget = budget;
    if (provisional) this.#taken = [];
  }

  get length(): number {
    return this.#length;
  }

  /**
   * So many bytes are best brought at once, and from this length on no more: a little more than a frame of `session`, as far
   * as the budget has much more room than that.
   */
  appetite(session: FrameSizer): number {
    const { room } = this.#budget;
    if (room < CHANNEL_HIGH_WATER) return CHANNEL_FLOOR;
    return Math.max(CHANNEL_HIGH_WATER, Math.min(session.frameSize + LITTLE, room / ROOM_PARTS));
  }

  /** It counts in `budget` from here on. */
  moveTo(budget: MemoryBudget): void {
    this.#budget.release(this.#length);
    this.#budget = budget;
    budget.take(this.#length);
  }

  push(chunk: Uint8Array): void {
    if (this.#length === 0 || !this.#join(chunk)) this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#budget.take(chunk.length);
  }

  #join(chunk: Uint8Array): boolean {
    this.#small ??= new SmallPieces((bytes) => this.#chunks.push(bytes));
    return this.#small.add(chunk);
  }

  /** Up to `limit` bytes of the first chunk, never of two, since joining them would copy. */
  take(limit: number): Uint8Array | undefined {
    const slice = this.#cut(limit);
    if (slice !== undefined) this.#taken?.push(this.#memory.keep(slice));
    return slice;
  }

  /** Nothing can be taken for a while: what is left of a chunk does not keep the memory of all of it. */
  rest(): void {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined || this.#offset === 0) return;
    const left = chunk.subarray(this.#offset);
    const own = compact(left, Number.POSITIVE_INFINITY);
    if (own === left) return;
    this.#chunks[this.#head] = own;
    this.#offset = 0;
    this.#memory.release(chunk);
  }

  /** Everything that was taken comes again. */
  rewind(): void {
    this.#small?.flush();
    const taken = this.#taken ?? [];
    const [first, ...others] = this.#chunks.slice(this.#head);
    const rest = first === undefined ? [] : [first.subarray(this.#offset), ...others];
    this.#reset([...taken, ...rest]);
    const bytes = taken.reduce((sum, slice) => sum + slice.length, 0);
    this.#length += bytes;
    this.#budget.take(bytes);
    this.#taken = [];
  }

  /** Nothing that is taken will be put back. */
  commit(): void {
    for (const slice of this.#taken ?? []) this.#memory.release(slice);
    this.#taken = undefined;
  }

  #cut(limit: number): Uint8Array | undefined {
    if (this.#head === this.#chunks.length) this.#small?.flush();
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined || limit < 1) return undefined;
    const start = this.#offset;
    // A rate times a time is rarely a whole number, and a budget keeps what a byte is not.
    const end = Math.min(chunk.length, start + Math.floor(limit));
    this.#length -= end - start;
    this.#budget.release(end - start);
    if (end < chunk.length) {
      this.#offset = end;
      return this.#memory.keep(chunk.subarray(start, end));
    }
    this.#offset = 0;
    this.#head += 1;
    if (this.#head === this.#chunks.length) this.#reset();
    return start === 0 ? chunk : chunk.subarray(start, end);
  }

  clear(): void {
    this.commit();
    for (const chunk of this.#chunks.slice(this.#head)) this.#memory.release(chunk);
    this.#small = undefined;
    this.#budget.release(this.#length);
    this.#length = 0;
    this.#reset();
  }

  #reset(chunks: Uint8Array[] = []): void {
    this.#chunks = chunks;
    this.#head = 0;
    this.#offset = 0;
  }
}

/** Anyone who makes frames of what waits. It is asked for each of them, so only where the answer decides. */
export interface FrameSizer {
  /** What a frame of a channel should carry at present, bytes. */
  readonly frameSize: number;
}

/** A source that brings a frame at a time need not pause after each, bytes. */
const LITTLE = 64;
/** A channel takes this part of the room that is left, at most: the next ones have some, too. */
const ROOM_PARTS = 8;
