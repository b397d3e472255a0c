import type { BodyReader, Framing } from './body-reader.js';
import { ChunkedReader } from './chunked.js';

/** @param strict refuses what is not exactly RFC 9112; else it is mended. */
export function createBodyReader(framing: Framing, strict: boolean): BodyReader {
  if (framing.kind === 'chunked') return new ChunkedReader(strict);
  if (framing.kind === 'close') return new CountingReader(Number.POSITIVE_INFINITY);
  return new CountingReader(framing.kind === 'length' ? framing.length : 0);
}

class CountingReader implements BodyReader {
  readonly isPlain = true;
  readonly trailers = undefined;
  #left: number;

  /** @param length infinite for what the end of the connection delimits. */
  constructor(length: number) {
    this.#left = length;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  read(input: Buffer, onContent: (piece: Buffer) => void): number {
    const piece = input.length <= this.#left ? input : input.subarray(0, this.#left);
    this.#left -= piece.length;
    if (piece.length > 0) onContent(piece);
    return piece.length;
  }

  end(): boolean {
    if (this.#left === Number.POSITIVE_INFINITY) this.#left = 0;
    return this.isOver;
  }
}
