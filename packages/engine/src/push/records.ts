import { allocate, join, readU32, writeU32 } from '../bytes.js';

/**
 * Reads records out of the bytes of a channel: a length u32 in front of each. Throws RangeError for one that is too long, before it
 * keeps any of it.
 */
export class RecordReader {
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  /** Of the record that is being read; undefined until its head is there. */
  #wanted: number | undefined;

  /** The records that are complete with `chunk`, in their order. */
  *read(chunk: Uint8Array): Generator<Uint8Array> {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      this.#wanted ??= this.#length < HEAD ? undefined : lengthOf(this.#take(HEAD));
      if (this.#wanted === undefined || this.#length < this.#wanted) return;
      const record = this.#take(this.#wanted);
      this.#wanted = undefined;
      yield record;
    }
  }

  #take(length: number): Uint8Array {
    const [first] = this.#parts;
    const all = first !== undefined && first.length >= length ? first : join(this.#parts.splice(0));
    this.#parts.splice(0, all === first ? 1 : 0);
    if (all.length > length) this.#parts.unshift(all.subarray(length));
    this.#length -= length;
    return all.subarray(0, length);
  }
}

/** What goes ahead of a record of so many bytes. */
export function recordHead(length: number): Uint8Array {
  const head = allocate(HEAD);
  writeU32(head, length, 0);
  return head;
}

const HEAD = 4;

function lengthOf(head: Uint8Array): number {
  const length = readU32(head, 0);
  if (length > MAX_MESSAGE) throw new RangeError(`a record of ${length} bytes`);
  return length;
}

/** What one message may have at most, bytes. */
export const MAX_MESSAGE = 16_777_216;
