import { keep, release } from '../slabs.js';

/** Chunks waiting to be sent, taken out in slices without copying. Each slice is kept as the whole chunk was. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  /** Index of the first chunk, and where in it the next byte is. */
  #head = 0;
  #offset = 0;
  #length = 0;
  /** What was taken and may have to be taken again; undefined when it never will. */
  #taken: Buffer[] | undefined;

  /** `provisional`: what is taken can be put back by `rewind`, until `commit`. */
  constructor(provisional = false) {
    if (provisional) this.#taken = [];
  }

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Up to `limit` bytes of the first chunk, never of two, since joining them would copy. */
  take(limit: number): Buffer | undefined {
    const slice = this.#cut(limit);
    if (slice !== undefined) this.#taken?.push(keep(slice));
    return slice;
  }

  /** Everything that was taken comes again. */
  rewind(): void {
    const { length } = this;
    const [first, ...others] = this.#chunks.slice(this.#head);
    const rest = first === undefined ? [] : [first.subarray(this.#offset), ...others];
    const taken = this.#taken ?? [];
    this.#reset(
      [...taken, ...rest],
      taken.reduce((sum, slice) => sum + slice.length, length),
    );
    this.#taken = [];
  }

  /** Nothing that is taken will be put back. */
  commit(): void {
    for (const slice of this.#taken ?? []) release(slice);
    this.#taken = undefined;
  }

  #cut(limit: number): Buffer | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined || limit <= 0) return undefined;
    const start = this.#offset;
    const end = Math.min(chunk.length, start + limit);
    this.#length -= end - start;
    if (end < chunk.length) {
      this.#offset = end;
      return keep(chunk.subarray(start, end));
    }
    this.#offset = 0;
    this.#head += 1;
    if (this.#head === this.#chunks.length) this.#reset();
    return start === 0 ? chunk : chunk.subarray(start, end);
  }

  clear(): void {
    this.commit();
    this.#reset();
  }

  #reset(chunks: Buffer[] = [], length = 0): void {
    this.#chunks = chunks;
    this.#head = 0;
    this.#offset = 0;
    this.#length = length;
  }
}
