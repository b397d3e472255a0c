import type { Places } from '../store/places.js';
import type { Pool } from '../store/pool.js';
import type { Spending } from '../store/spending.js';
import type { Account } from './account.js';
import type { LimitHit } from './limit-hit.js';

/** The places that this process shares with others: what a user has in one of them counts in all. */
export class SharedPlaces {
  readonly spending: Spending;
  readonly #places: Places;
  /** Of all users. */
  readonly #whole: Partial<Record<SharedLimit, Pool>> = {};

  constructor(places: Places, spending: Spending) {
    this.#places = places;
    this.spending = spending;
  }

  /**
   * Takes a place under each of `bounds`, or says which of them is in the way; a promise while others are asked. What is taken is given back
   * with `give`.
   */
  take(limit: SharedLimit, account: Account, bounds: Bounds): Answer {
    const pools = [this.#poolOf(limit, account), ...(bounds.whole === undefined ? [] : [this.#wholeOf(limit)])];
    const hits = [bounds.own, bounds.whole];
    const taken = pools.map((pool, index) => pool.take(hits[index]?.value ?? 0));
    const settle = (areTaken: readonly boolean[]): LimitHit | undefined => {
      const missing = areTaken.indexOf(false);
      if (missing < 0) return undefined;
      for (const [index, pool] of pools.entries()) if (areTaken[index]) pool.give();
      return hits[missing];
    };
    return taken.every((each) => typeof each === 'boolean')
      ? settle(taken)
      : Promise.all(taken.map((each) => Promise.resolve(each))).then(settle);
  }

  /** `isOfAll`: it was taken under the bound of all as well. */
  give(limit: SharedLimit, account: Account, isOfAll: boolean): void {
    this.#poolOf(limit, account).give();
    if (isOfAll) this.#wholeOf(limit).give();
  }

  #poolOf(limit: SharedLimit, { pools, userId }: Account): Pool {
    pools[limit] ??= this.#places.pool(`${limit}/${userId}`, BATCHED.has(limit));
    return pools[limit];
  }

  #wholeOf(limit: SharedLimit): Pool {
    this.#whole[limit] ??= this.#places.pool(limit, BATCHED.has(limit));
    return this.#whole[limit];
  }
}

export type SharedLimit = keyof Account['pools'];

/** What is in the way of a user, or of all of them, once there are so many. */
export interface Bounds {
  readonly own: LimitHit;
  readonly whole?: LimitHit;
}

/** What is in the way, if anything is. */
export type Answer = LimitHit | undefined | Promise<LimitHit | undefined>;

/** Of which there are many, and for which somebody waits. */
const BATCHED: ReadonlySet<SharedLimit> = new Set<SharedLimit>(['channels', 'flows']);
