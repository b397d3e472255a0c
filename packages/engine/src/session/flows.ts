import { DatagramStore } from '../datagram/datagram-store.js';
import type { SessionFlow } from '../datagram/session-flow.js';
import type { MemoryBudget } from '../flow/memory-budget.js';

/** The living flows of a session, and where their datagrams wait. Made with the first one. */
export class Flows {
  readonly store: DatagramStore;
  readonly #living = new Map<number, SessionFlow>();
  /** Those without a number: whether the peer takes flows is not known. */
  readonly #waiting = new Set<SessionFlow>();

  readonly #isOfPeer: (id: number) => boolean;
  /** Of the living, those that the peer has opened. */
  #ofPeer = 0;

  /** `budget`: of the process, for what waits to be sent. `isOfPeer`: whose numbers are whose. */
  constructor(budget: MemoryBudget | undefined, isOfPeer: (id: number) => boolean) {
    this.store = new DatagramStore(budget);
    this.#isOfPeer = isOfPeer;
  }

  get size(): number {
    return this.#living.size + this.#waiting.size;
  }

  /** Of these, those that the peer has opened. */
  get sizeOfPeer(): number {
    return this.#ofPeer;
  }

  add(flow: SessionFlow): void {
    if (flow.id === 0) return void this.#waiting.add(flow);
    this.#living.set(flow.id, flow);
    if (this.#isOfPeer(flow.id)) this.#ofPeer += 1;
  }

  remove(flow: SessionFlow): void {
    if (this.#waiting.delete(flow)) return;
    if (this.#living.delete(flow.id) && this.#isOfPeer(flow.id)) this.#ofPeer -= 1;
  }

  find(id: number): SessionFlow | undefined {
    return this.#living.get(id);
  }

  /** Those that wait for a number, oldest first, as `all`. */
  get waiting(): SessionFlow[] {
    return [...this.#waiting];
  }

  /** A copy, so that flows may end while it is walked. */
  all(): SessionFlow[] {
    return [...this.#living.values(), ...this.#waiting];
  }
}
