/** Bytes that come in pieces, kept up to a bound; what is over it is counted. Pieces are copied: their memory is used again, or is larger. */
export class GrowingBytes {
  #most: number;
  readonly #onHold: (change: number) => void;
  #buffer = Buffer.alloc(0);
  #kept = 0;
  #count = 0;

  /** `onHold` is told by how many bytes the memory that this takes has changed. */
  constructor(most: number, onHold: (change: number) => void = () => {}) {
    this.#most = most;
    this.#onHold = onHold;
  }

  /** All that came. */
  get count(): number {
    return this.#count;
  }

  get isWhole(): boolean {
    return this.#kept === this.#count;
  }

  get isFull(): boolean {
    return this.#kept === this.#most;
  }

  /** A view of what is kept, good until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#kept);
  }

  push(piece: Uint8Array): void {
    this.#count += piece.length;
    const taken = piece.subarray(0, this.#most - this.#kept);
    this.#makeRoom(this.#kept + taken.length);
    this.#buffer.set(taken, this.#kept);
    this.#kept += taken.length;
  }

  /** Forgets what is kept, and keeps nothing more. It goes on to count. */
  drop(): void {
    this.#most = 0;
    this.#onHold(-this.#buffer.length);
    this.#buffer = Buffer.alloc(0);
    this.#kept = 0;
  }

  #makeRoom(size: number): void {
    if (size <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.min(this.#most, Math.max(size, this.#buffer.length * 2)));
    larger.set(this.bytes);
    this.#onHold(larger.length - this.#buffer.length);
    this.#buffer = larger;
  }
}
