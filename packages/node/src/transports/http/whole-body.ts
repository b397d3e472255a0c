import type { Writable } from 'node:stream';
import { type KeptPart, lengthOf } from './kept-parts.js';
import { RecordKind, recordHead } from './records.js';

/** A body with an end: one record with the bytes of `parts`, if there are any, between records that carry none. */
export class WholeBody {
  readonly #pieces: readonly Uint8Array[];
  /** Of `parts`, bytes. */
  readonly carried: number;

  constructor(before: readonly Uint8Array[], parts: readonly KeptPart[], after: readonly Uint8Array[]) {
    this.carried = lengthOf(parts);
    const head = this.carried === 0 ? [] : [recordHead(RecordKind.bytes, this.carried)];
    this.#pieces = [...before, ...head, ...parts.map(({ bytes }) => bytes), ...after];
  }

  /** For its `Content-Length`. */
  get length(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Ends `message` with it, in as few writes as can be. */
  sendBy(message: Writable): void {
    message.cork();
    for (const piece of this.#pieces) message.write(piece);
    message.end();
    message.uncork();
  }
}
