import type { Carrying, ChannelRate, ChannelRates } from './channel-rates.js';

/** The busiest of a list, which is what pages show of it, and what of that has changed: no more than anybody reads. */
export class Busiest<T extends Carrying> {
  /** As of the last `next`. */
  #shown: ReadonlyMap<number, Shown<T>> = new Map();

  /** All of them, for a page that knows nothing. */
  whole(look: LookAt<T>): readonly Shown<T>[] {
    return [...this.#pick(look).values()];
  }

  /** What is new since this was called last. */
  next(look: LookAt<T>): { readonly changed: readonly Shown<T>[]; readonly gone: readonly number[] } {
    const [before, now] = [this.#shown, this.#pick(look)];
    this.#shown = now;
    return {
      changed: [...now.values()].filter((one) => !isSame(one, before.get(one.id))),
      gone: [...before.keys()].filter((id) => !now.has(id)),
    };
  }

  /** The fastest, then those that have carried the most. */
  #pick({ items, rates, lookedAt }: LookAt<T>): Map<number, Shown<T>> {
    const ranked = items.map((item) => {
      const rate = rates.of(item);
      return { item, rate, speed: rate.rateUp + rate.rateDown, carried: item.bytesUp + item.bytesDown };
    });
    const first = pickFirst(
      ranked,
      MOST,
      (a, b) => b.speed - a.speed || b.carried - a.carried || a.item.id - b.item.id,
    );
    return new Map(
      first.map(({ item: { ageMs, ...item }, rate }) => {
        const beganMs = this.#shown.get(item.id)?.beganMs ?? Math.round(lookedAt - ageMs);
        return [item.id, { ...item, ...rate, beganMs }];
      }),
    );
  }
}

/** It changes only when something moves. */
export type Shown<T extends Carrying> = Omit<T, 'ageMs'> & ChannelRate & { readonly beganMs: number };

export interface LookAt<T> {
  readonly items: readonly T[];
  readonly rates: ChannelRates;
  /** By the clock, ms. */
  readonly lookedAt: number;
}

const MOST = 100;

/** As many as `most`, in their order; thousands of others cost one look each. */
function pickFirst<T>(items: readonly T[], most: number, compare: (a: T, b: T) => number): readonly T[] {
  const picked: T[] = [];
  for (const item of items) {
    const last = picked[most - 1];
    if (last !== undefined && compare(item, last) >= 0) continue;
    const at = picked.findIndex((other) => compare(item, other) < 0);
    picked.splice(at < 0 ? picked.length : at, 0, item);
    picked.length = Math.min(picked.length, most);
  }
  return picked;
}

function isSame<T extends object>(a: T, b: T | undefined): boolean {
  return b !== undefined && (Object.keys(a) as (keyof T)[]).every((key) => a[key] === b[key]);
}
