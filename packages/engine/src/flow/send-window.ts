/** Credit that is given back: the limit that was seen, and the lower one that is kept. */
export interface Return {
  readonly seen: number;
  readonly keep: number;
}

/** What the peer lets us send on a channel: an absolute limit on a running total, so only the newest one matters. */
export class SendWindow {
  #limit: number;
  #sent = 0;
  /** The limit that was given back, until the peer has answered: anything that it said before that answer is out of date. */
  #returned: number | undefined;
  /** What may be sent in all before the channel is open, though the peer may have told more; undefined from then on. */
  #early: number | undefined;

  /** `isEarly`: `limit` holds until `open`. */
  constructor(limit: number, isEarly = false) {
    this.#limit = limit;
    if (isEarly) this.#early = limit;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Bytes that may be sent now. */
  get credit(): number {
    return Math.min(this.#limit, this.#early ?? this.#limit) - this.#sent;
  }

  /** What was given back and is not answered. */
  get returning(): Return | undefined {
    return this.#returned === undefined ? undefined : { seen: this.#returned, keep: this.#limit };
  }

  spend(bytes: number): void {
    this.#sent += bytes;
  }

  /** The peer has answered with `limit`, and anything that it has told meanwhile holds. */
  open(limit: number): void {
    this.#early = undefined;
    this.raise(limit);
  }

  /** An older limit that arrives late takes nothing back, nor does it bring back what we have returned. */
  raise(limit: number): void {
    if (limit <= (this.#returned ?? this.#limit)) return;
    this.#returned = undefined;
    this.#limit = limit;
  }

  /** Gives back all credit but `spare`; false when there is no more than that, or the last return is not answered. */
  giveBack(spare: number): boolean {
    if (this.credit <= spare || this.#returned !== undefined) return false;
    this.#returned = this.#limit;
    this.#limit = this.#sent + spare;
    return true;
  }

  /** The peer has answered the return of `seen`: `limit` is what holds since. */
  settle(seen: number, limit: number): void {
    if (seen !== this.#returned) return;
    this.#returned = undefined;
    this.raise(limit);
  }
}
