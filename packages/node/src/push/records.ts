/**
 * Reads records out of the bytes of a channel: a length u32 in front of each. Throws RangeError for one that is too long, before it
 * keeps any of it.
 */
export class RecordReader {
  readonly #parts: Buffer[] = [];
  #length = 0;
  /** Of the record that is being read; undefined until its head is there. */
  #wanted: number | undefined;

  /** The records that are complete with `chunk`, in their order. */
  *read(chunk: Buffer): Generator<Buffer> {
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

  #take(length: number): Buffer {
    const [first] = this.#parts;
    const all = first !== undefined && first.length >= length ? first : Buffer.concat(this.#parts.splice(0));
    this.#parts.splice(0, all === first ? 1 : 0);
    if (all.length > length) this.#parts.unshift(all.subarray(length));
    this.#length -= length;
    return all.subarray(0, length);
  }
}

/** What goes ahead of a record of so many bytes. */
export function recordHead(length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32BE(length, 0);
  return head;
}

const HEAD = 4;

function lengthOf(head: Buffer): number {
  const length = head.readUInt32BE(0);
  if (length > MAX_MESSAGE) throw new RangeError(`a record of ${length} bytes`);
  return length;
}

/** What one message may have at most, bytes. */
export const MAX_MESSAGE = 16_777_216;
