import type { Writable } from 'node:stream';

/** Writes small pieces together: each write costs as much as some KiB do. Large ones are not copied. */
export class JoinedWrites {
  readonly #output: Writable;
  #small: Buffer[] = [];

  constructor(output: Writable) {
    this.#output = output;
  }

  write(piece: Buffer): void {
    if (piece.length < LARGE) {
      this.#small.push(piece);
      return;
    }
    this.flush();
    this.#output.write(piece);
  }

  flush(): void {
    const pieces = this.#small;
    const [first] = pieces;
    if (first === undefined) return;
    this.#small = [];
    this.#output.write(pieces.length === 1 ? first : Buffer.concat(pieces));
  }
}

/** Bytes, from which on a piece is written as it is. */
const LARGE = 4_096;
