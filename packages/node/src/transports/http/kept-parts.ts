import type { SlabPool } from 'wsproxy-engine';

/** Bytes that wait to leave, in their order; the memory they are in is kept for them until they have left. */
export class KeptParts {
  readonly #memory: SlabPool;
  #parts: KeptPart[] = [];
  #bytes = 0;

  constructor(memory: SlabPool) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      const bytes = this.#memory.keep(part);
      this.#parts.push({ bytes, owner: bytes });
      this.#bytes += bytes.length;
    }
  }

  /** The first ones, of at most `limit` bytes together; the caller lets go of them with `release`, or gives them back. */
  take(limit: number): KeptPart[] {
    let room = limit;
    let count = 0;
    while (count < this.#parts.length && room > 0) {
      const { bytes, owner } = this.#parts[count] as KeptPart;
      if (bytes.length > room) {
        const rest = { bytes: bytes.subarray(room), owner };
        this.#parts.splice(count, 1, { bytes: bytes.subarray(0, room), owner: undefined }, rest);
      }
      room -= Math.min(room, bytes.length);
      count += 1;
    }
    this.#bytes -= limit - room;
    return this.#parts.splice(0, count);
  }

  /** Those that were taken last are the first again. */
  giveBack(parts: readonly KeptPart[]): void {
    this.#parts.unshift(...parts);
    this.#bytes += lengthOf(parts);
  }

  release(parts: readonly KeptPart[]): void {
    for (const { owner } of parts) if (owner !== undefined) this.#memory.release(owner);
  }

  /** Lets go of everything that was not taken. */
  clear(): void {
    this.release(this.#parts.splice(0));
    this.#bytes = 0;
  }
}

export interface KeptPart {
  readonly bytes: Uint8Array;
  /** What `keep` gave, for the one who has the end of it. */
  readonly owner: Uint8Array | undefined;
}

export function lengthOf(parts: readonly KeptPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
