import type { Clock } from 'wsproxy-engine';
import type { Added, Facts, Holding, KeptTicket, OnNews, ProcessFact, Revocation, Store, Sum, Want } from './store.js';

/** A store whose calls are counted. */
export class CountedStore implements Store {
  readonly #store: Store;
  readonly #clock: Pick<Clock, 'now'>;
  #answered = 0;
  #failed = 0;
  #ms = 0;

  constructor(store: Store, clock: Pick<Clock, 'now'>) {
    this.#store = store;
    this.#clock = clock;
  }

  get counts(): CallCounts {
    return { answered: this.#answered, failed: this.#failed, ms: this.#ms };
  }

  add(fact: ProcessFact | Revocation): Promise<Added> {
    return this.#count(this.#store.add(fact));
  }

  take(wants: readonly Want[]): Promise<readonly number[]> {
    return this.#count(this.#store.take(wants));
  }

  give(holdings: readonly Holding[]): Promise<void> {
    return this.#count(this.#store.give(holdings));
  }

  read(mark?: number): Promise<Facts> {
    return this.#count(this.#store.read(mark));
  }

  find(keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    return this.#count(this.#store.find(keys));
  }

  spend(month: string, sums: readonly Sum[]): Promise<readonly number[]> {
    return this.#count(this.#store.spend(month, sums));
  }

  addTicket(ticket: KeptTicket): Promise<boolean> {
    return this.#count(this.#store.addTicket(ticket));
  }

  spendTicket(digest: string): Promise<string | undefined> {
    return this.#count(this.#store.spendTicket(digest));
  }

  watch(onNews: OnNews): void {
    this.#store.watch(onNews);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #count<T>(call: Promise<T>): Promise<T> {
    const asked = this.#clock.now();
    try {
      const answer = await call;
      this.#answered += 1;
      return answer;
    } catch (error) {
      this.#failed += 1;
      throw error;
    } finally {
      this.#ms += this.#clock.now() - asked;
    }
  }
}

/** Calls of a store, and how long all of them have taken together. */
export interface CallCounts {
  readonly answered: number;
  readonly failed: number;
  readonly ms: number;
}
