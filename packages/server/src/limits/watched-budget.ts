import { MemoryBudget } from 'wsproxy-engine';

/** Memory that tells when it is used up; and again only after half of it was free. */
export class WatchedBudget extends MemoryBudget {
  readonly #bytes: number;
  readonly #onUsedUp: () => void;
  #isUsedUp = false;

  constructor(bytes: number, onUsedUp: () => void, parent?: MemoryBudget) {
    super(bytes, parent);
    this.#bytes = bytes;
    this.#onUsedUp = onUsedUp;
  }

  override take(bytes: number): void {
    super.take(bytes);
    if (this.#isUsedUp || this.reserved < this.#bytes) return;
    this.#isUsedUp = true;
    this.#onUsedUp();
  }

  override release(bytes: number): void {
    super.release(bytes);
    if (this.reserved <= this.#bytes / 2) this.#isUsedUp = false;
  }
}
