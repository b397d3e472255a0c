/** What the peer lets us send on a channel: an absolute limit on a running total, so only the newest one matters. */
export class SendWindow {
  #limit: number;
  #sent = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Bytes that may be sent now. */
  get credit(): number {
    return this.#limit - this.#sent;
  }

  spend(bytes: number): void {
    this.#sent += bytes;
  }

  /** An older limit that arrives late takes nothing back. */
  raise(limit: number): void {
    if (limit > this.#limit) this.#limit = limit;
  }
}
