import type { Clock } from 'wsproxy-engine';
import { type Ask, Exclusive, type ExclusiveEvents } from './exclusive.js';
import type { Places } from './places.js';
import { type Facts, type Store, StoreError } from './store.js';

/**
 * What only one process has at a time, as far as this one has it or wants it. While the store is away this process goes by what it knows
 * itself; who has a key in the store when that is back has it.
 */
export class Exclusives {
  readonly #options: ExclusivesOptions;
  /** All that are wanted, by key. */
  readonly #wanted = new Map<string, Exclusive>();
  /** Those that the store is to be asked for. */
  readonly #called = new Set<Exclusive>();
  /** Keys that are to be given back. */
  readonly #unwanted = new Set<string>();
  #isExchanging = false;
  /** How many were lost, as the store has said last. */
  #lost = 0;
  /** Those that wait ask for nothing until then. */
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: ExclusivesOptions) {
    this.#options = options;
  }

  /** Of a key that nothing here wants yet, to be taken; `give` has to follow. */
  want(key: string, events: ExclusiveEvents): Exclusive {
    const { places, store } = this.#options;
    const line = `line/${key.slice(1)}`;
    const exclusive = new Exclusive(key, events, {
      line: places.pool(line, false),
      get isReached() {
        return places.isReached;
      },
      call: (each) => this.#call([each]),
      give: (each) => this.#give(each),
      isAwaited: () =>
        store.find([line]).then(
          ([uids = []]) => uids.length > 0,
          (error: unknown) => {
            if (error instanceof StoreError) return false;
            throw error;
          },
        ),
    });
    this.#wanted.set(key, exclusive);
    this.#unwanted.delete(key);
    return exclusive;
  }

  /** Other processes, or none, have these keys now. */
  onNews(keys: readonly string[]): void {
    const known = keys.map((key) => this.#wanted.get(key)).filter((each) => each !== undefined);
    this.#call(known.filter((each) => each.isHad || this.#mayTry(each)));
  }

  /** This process has looked. */
  onFacts({ lost }: Pick<Facts, 'lost'>): void {
    const isLess = lost !== this.#lost;
    this.#lost = lost;
    this.#call(this.#those((each) => each.isUnsure || (isLess && each.isHad) || this.#mayTry(each)));
  }

  /** What the store has now is not known. */
  onAway(): void {
    for (const each of this.#wanted.values()) each.doubt();
  }

  /** The store knew this process no more: what processes had they take again, before those that wait ask for it. */
  onForgotten(): void {
    this.#lost = 0;
    if (this.#wanted.size === 0) return;
    this.#pausedUntil = this.#options.clock.now() + HEAD_START;
    this.#call(this.#those(({ isHad }) => isHad));
  }

  #those(which: (exclusive: Exclusive) => boolean): Exclusive[] {
    return [...this.#wanted.values()].filter(which);
  }

  #mayTry({ isWaiting }: Exclusive): boolean {
    return isWaiting && this.#options.clock.now() >= this.#pausedUntil;
  }

  #give(exclusive: Exclusive): void {
    const { key } = exclusive;
    this.#called.delete(exclusive);
    if (this.#wanted.get(key) !== exclusive) return;
    this.#wanted.delete(key);
    this.#unwanted.add(key);
    this.#call([]);
  }

  #call(exclusives: readonly Exclusive[]): void {
    for (const each of exclusives) this.#called.add(each);
    if (this.#isExchanging || !this.#hasMore) return;
    this.#isExchanging = true;
    void this.#exchange();
  }

  get #hasMore(): boolean {
    return this.#called.size + this.#unwanted.size > 0;
  }

  /** Until there is nothing left, or no answer. */
  async #exchange(): Promise<void> {
    while (this.#hasMore && (await this.#round()));
    this.#isExchanging = false;
  }

  async #round(): Promise<boolean> {
    const { places, store } = this.#options;
    let round: Round | undefined;
    const isDone = await places.ask(async () => {
      // With those that have come while others had their turn.
      round ??= this.#next();
      const { asks, unwanted } = round;
      if (unwanted.length > 0) await store.give(unwanted.map((key) => ({ key, held: 0 })));
      if (asks.length === 0) return;
      const counts = await store.take(asks.map(({ want }) => want));
      for (const [index, { onAnswer }] of asks.entries()) onAnswer((counts[index] ?? 0) > 0);
    });
    if (isDone) return true;
    for (const { onNoAnswer } of round?.asks ?? []) onNoAnswer();
    for (const exclusive of this.#called) exclusive.ask().onNoAnswer();
    this.#called.clear();
    for (const key of round?.unwanted ?? []) if (!this.#wanted.has(key)) this.#unwanted.add(key);
    return false;
  }

  #next(): Round {
    const called = [...this.#called].slice(0, MOST_KEYS);
    const unwanted = [...this.#unwanted].slice(0, MOST_KEYS);
    for (const each of called) this.#called.delete(each);
    for (const key of unwanted) this.#unwanted.delete(key);
    return { asks: called.map((each) => each.ask()), unwanted };
  }
}

export interface ExclusivesOptions {
  readonly store: Pick<Store, 'take' | 'give' | 'find'>;
  /** They share their turn. */
  readonly places: Pick<Places, 'ask' | 'pool' | 'isReached'>;
  readonly clock: Pick<Clock, 'now'>;
}

interface Round {
  readonly asks: readonly Ask[];
  readonly unwanted: readonly string[];
}

/** For those that had something, in a store that has forgotten everybody, ms: longer than until each of them has looked. */
const HEAD_START = 4_000;
/** In one call. */
const MOST_KEYS = 500;
