import { holds } from '../invariant.js';

/**
 * Memory that may be promised, in bytes. What is reserved can be used whenever its holder likes, so holders never wait
 * for each other. A budget may lie within a larger one, that of a session within that of the process.
 */
export class MemoryBudget {
  readonly #limit: number;
  readonly #parent: MemoryBudget | undefined;
  readonly #floor: number;
  #reserved = 0;

  /** `floor` may be reserved even when others have used up the parent: so that nobody can stop all the others. */
  constructor(limit: number, parent?: MemoryBudget, floor = 0) {
    this.#limit = limit;
    this.#parent = parent;
    this.#floor = floor;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Asked each time: anyone who has one that changes says so. */
  protected get limit(): number {
    return this.#limit;
  }

  /** Bytes that could be reserved now. */
  get room(): number {
    return this.#roomBelow(1);
  }

  /** Bytes of these for the one who has shown no need of them yet: half of the budget is for those who have. */
  get initialRoom(): number {
    return this.#roomBelow(1 / 2);
  }

  #roomBelow(share: number): number {
    const own = Math.max(0, Math.floor(this.limit * share) - this.#reserved);
    if (this.#parent === undefined) return own;
    return Math.min(own, Math.max(this.#parent.#roomBelow(share), this.#floor - this.#reserved));
  }

  /** Reserves all of `bytes`, or nothing and says false. */
  reserve(bytes: number): boolean {
    if (bytes > this.room) return false;
    this.take(bytes);
    return true;
  }

  /** Counts `bytes` that are held already, beyond the limit if need be. */
  take(bytes: number): void {
    this.#reserved += bytes;
    this.#parent?.take(bytes);
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
    holds(this.#reserved >= 0, 'more is given back to a budget than was taken from it');
    this.#parent?.release(bytes);
  }
}

/** Memory that all sessions of a process share, for what they receive and for what they may have to send again. */
export interface ProcessBudgets {
  readonly windows: MemoryBudget;
  readonly replay: MemoryBudget;
}
