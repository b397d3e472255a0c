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
   * with `give`. The user's own comes first: those who have all that they may keep nothing from others by asking for more.
   */
  take(limit: SharedLimit, account: Account, { own, whole }: Bounds): Answer {
    const pool = this.#poolOf(limit, account);
    const takeOfAll = (): Answer => {
      if (whole === undefined) return undefined;
      const settle = (isTaken: boolean): LimitHit | undefined => {
        if (!isTaken) pool.give();
        return isTaken ? undefined : whole;
      };
      const taken = this.#wholeOf(limit).take(whole.value);
      return typeof taken === 'boolean' ? settle(taken) : taken.then(settle);
    };
    const taken = pool.take(own.value);
    if (typeof taken === 'boolean') return taken ? takeOfAll() : own;
    return taken.then((isTaken) => (isTaken ? takeOfAll() : own));
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
