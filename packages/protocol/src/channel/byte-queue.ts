import { keep } from '../slabs.js';

/** Chunks waiting to be sent, taken out in slices without copying. Each slice is kept as the whole chunk was. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  /** Index of the first chunk, and where in it the next byte is. */
  #head = 0;
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Up to `limit` bytes of the first chunk, never of two, since joining them would copy. */
  take(limit: number): Buffer | undefined {
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
    if (this.#head === this.#chunks.length) this.clear();
    return start === 0 ? chunk : chunk.subarray(start, end);
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#offset = 0;
    this.#length = 0;
  }
}
