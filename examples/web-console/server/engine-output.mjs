import { DATA, ERROR_DATA } from '../shared/messages.js';

/** Of a piece of output without a terminal: which stream (u8), three bytes of nothing, a length (u32). */
const HEAD = 8;
const STANDARD_ERROR = 2;

/** Takes the heads off the output of a container without a terminal. */
export class EngineOutput {
  #head = Buffer.alloc(0);
  #left = 0;
  #kind = DATA;

  /** @returns {{ kind: number, bytes: Uint8Array }[]} */
  take(piece) {
    const found = [];
    let rest = piece;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left);
        found.push({ kind: this.#kind, bytes });
        this.#left -= bytes.length;
        rest = rest.subarray(bytes.length);
        continue;
      }
      const missing = HEAD - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#head.length < HEAD) break;
      this.#kind = this.#head[0] === STANDARD_ERROR ? ERROR_DATA : DATA;
      this.#left = this.#head.readUInt32BE(4);
      this.#head = Buffer.alloc(0);
    }
    return found;
  }
}
