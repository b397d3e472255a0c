import { REPLAY_FLOOR } from '../constants.js';
import { MemoryBudget } from '../flow/memory-budget.js';

/** What may wait in all flows of a session, bytes of memory. */
const STORE_LIMIT = 2_097_152;

/** What the queues of a session hold together: a new datagram takes the place of the oldest in the longest of them. */
export class DatagramStore {
  readonly #budget: MemoryBudget;
  /** In which something waits. */
  readonly #queues = new Set<Holder>();

  /** `parent`: of the process, for what waits to be sent. */
  constructor(parent?: MemoryBudget) {
    this.#budget = new MemoryBudget(STORE_LIMIT, parent, REPLAY_FLOOR);
  }

  /** Memory that they hold. */
  get bytes(): number {
    return this.#budget.reserved;
  }

  /** Makes room for `bytes`; false when the process has none. */
  reserve(bytes: number): boolean {
    while (this.#budget.reserved + bytes > STORE_LIMIT && this.#queues.size > 0) this.#longest?.dropOldest();
    return this.#budget.reserve(bytes);
  }

  /** Counts what is held already. */
  take(bytes: number): void {
    this.#budget.take(bytes);
  }

  release(bytes: number): void {
    this.#budget.release(bytes);
  }

  /** Something waits in `queue`, or nothing any more. */
  enlist(queue: Holder): void {
    this.#queues.add(queue);
  }

  strike(queue: Holder): void {
    this.#queues.delete(queue);
  }

  get #longest(): Holder | undefined {
    let longest: Holder | undefined;
    for (const queue of this.#queues) if (longest === undefined || queue.bytes > longest.bytes) longest = queue;
    return longest;
  }
}

/** A queue of the session. */
interface Holder {
  /** Memory that it holds. */
  readonly bytes: number;
  dropOldest(): void;
}
