import { MemoryBudget } from 'wsproxy-engine';

/** What one user may have of the memory that is there for all; how much that is changes with the users. */
export class ShareBudget extends MemoryBudget {
  readonly #share: () => number;

  constructor(share: () => number, whole: MemoryBudget) {
    super(Number.POSITIVE_INFINITY, whole);
    this.#share = share;
  }

  protected override get limit(): number {
    return this.#share();
  }
}
