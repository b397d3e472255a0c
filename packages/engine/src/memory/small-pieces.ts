import { allocateAlone } from '../bytes.js';
import { compact } from './compact.js';

/** A shorter piece is joined with its neighbours, bytes. */
const SMALL = 1_024;
/** To so many bytes at most. */
const JOINED = 4_096;

/**
 * Joins small pieces that have to wait. Each piece costs some hundred bytes of memory beside its own, and a peer can make
 * one of every byte: what waits would cost a hundred times what was granted and counted.
 */
export class SmallPieces {
  readonly #pass: (bytes: Uint8Array) => void;
  #bytes: Uint8Array | undefined;
  #length = 0;

  /** `pass` takes what was joined, in its order. */
  constructor(pass: (bytes: Uint8Array) => void) {
    this.#pass = pass;
  }

  /** Bytes that were added and not passed yet. */
  get length(): number {
    return this.#length;
  }

  /** Copies `piece` behind what was added before. False for one that is not small: what was added before is passed then. */
  add(piece: Uint8Array): boolean {
    const isSmall = piece.length < SMALL;
    if (!isSmall || this.#length + piece.length > JOINED) this.flush();
    if (!isSmall) return false;
    this.#bytes ??= allocateAlone(JOINED);
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
    return true;
  }

  /** Passes what was added. */
  flush(): void {
    const bytes = this.#bytes?.subarray(0, this.#length);
    this.#bytes = undefined;
    this.#length = 0;
    if (bytes !== undefined) this.#pass(compact(bytes));
  }
}
