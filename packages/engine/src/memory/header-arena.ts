import { allocateAlone } from '../bytes.js';

/**
 * Where headers and small payloads are written, one after the other, and never again once handed out. All batches share
 * it, so that a session at rest holds none of it.
 */
export class HeaderArena {
  #present: HeaderBlock | undefined;

  /** A block with room for `length` bytes at its end. */
  withRoom(length: number): HeaderBlock {
    const present = this.#present;
    if (present !== undefined && present.end + length <= BLOCK_SIZE) return present;
    const next = { bytes: allocateAlone(BLOCK_SIZE), end: 0 };
    this.#present = next;
    return next;
  }
}

export interface HeaderBlock {
  readonly bytes: Uint8Array;
  /** So much of it is handed out. */
  end: number;
}

/** Bytes. */
export const BLOCK_SIZE = 16_384;
