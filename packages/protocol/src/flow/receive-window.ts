/** A new limit is worth a frame once this share of the window can be given back. */
const GRANT_SHARE = 4;

/** What we let the peer send on a channel. Credit returns when the far socket has taken the bytes, not on arrival. */
export class ReceiveWindow {
  #size: number;
  #limit: number;
  #received = 0;
  #consumed = 0;

  /** `limit` bytes are granted at once; from the first grant on, `size` bytes beyond what was consumed. */
  constructor(limit: number, size: number) {
    this.#limit = limit;
    this.#size = size;
  }

  get received(): number {
    return this.#received;
  }

  /** The total that the peer may send; what WINDOW tells. */
  get limit(): number {
    return this.#limit;
  }

  /** False when the peer sent more than it was granted. */
  receive(bytes: number): boolean {
    this.#received += bytes;
    return this.#received <= this.#limit;
  }

  /** True when enough was given back to tell the peer: call `grant` then. */
  consume(bytes: number): boolean {
    this.#consumed += bytes;
    return this.#consumed + this.#size - this.#limit >= this.#size / GRANT_SHARE;
  }

  /** Raises the limit to a full window beyond what was consumed. */
  grant(): void {
    this.#limit = Math.max(this.#limit, this.#consumed + this.#size);
  }
}
