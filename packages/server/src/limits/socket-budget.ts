/** Kept free for what is no socket of ours: Node's own, files, name lookups. */
const SPARE = 32;

/** Kept for clients, no matter what destinations there are: a tenth, but so many at least, and never more than this part. */
const CLIENTS_SHARE = 1 / 10;
const CLIENTS_LEAST = 64;
const CLIENTS_MOST = 1 / 4;

/**
 * Counts sockets of clients and destinations, since Node says nothing when descriptors run out: connections are accepted
 * and closed at once, and dials fail as if the destination were at fault. Some are for clients alone: one who has lost
 * the connection comes back however many destinations there are.
 */
export class SocketBudget {
  readonly limit: number;
  /** Of these, what destinations may have. */
  readonly forDestinations: number;
  #clients = 0;
  #destinations = 0;

  constructor(limit: number) {
    this.limit = limit;
    const kept = Math.min(Math.max(CLIENTS_LEAST, limit * CLIENTS_SHARE), limit * CLIENTS_MOST);
    this.forDestinations = Number.isFinite(limit) ? limit - Math.floor(kept) : limit;
  }

  /** Sockets of destinations, those that are being dialled among them. */
  get destinations(): number {
    return this.#destinations;
  }

  /** Whether there was room for the socket of one more client. Anyone who got it gives it back with `releaseClient`. */
  takeClient(): boolean {
    if (this.#isFull) return false;
    this.#clients += 1;
    return true;
  }

  releaseClient(): void {
    this.#clients -= 1;
  }

  /** The same for a destination. */
  takeDestination(): boolean {
    if (this.#isFull || this.#destinations >= this.forDestinations) return false;
    this.#destinations += 1;
    return true;
  }

  releaseDestination(): void {
    this.#destinations -= 1;
  }

  get #isFull(): boolean {
    return this.#clients + this.#destinations >= this.limit;
  }
}

/** What a process with so many descriptors may use for sockets: 90 %, but always some spare. */
export function socketsOf(descriptors: number): number {
  return Math.max(1, Math.min(Math.floor(descriptors * 0.9), descriptors - SPARE));
}
