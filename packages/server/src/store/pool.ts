import type { Want } from './store.js';

/**
 * The places of one limit that this process holds, those in use and those it has taken in advance. Who finds one of these waits for
 * nothing.
 */
export class Pool {
  readonly key: string;
  readonly #isBatched: boolean;
  readonly #keeper: PoolKeeper;
  readonly #waiting: ((isTaken: boolean) => void)[] = [];
  #used = 0;
  /** As the store has said last. */
  #held = 0;
  #limit = 0;
  #lastTaken = Number.NEGATIVE_INFINITY;
  /** The store has said that there is none left, which is believed until then. */
  #spentUntil = Number.NEGATIVE_INFINITY;
  /** Nothing is asked for in advance until then: there is little left. */
  #scarceUntil = Number.NEGATIVE_INFINITY;

  /** `isBatched`: places are taken and given back by many; otherwise one by one. */
  constructor(key: string, isBatched: boolean, keeper: PoolKeeper) {
    this.key = key;
    this.#isBatched = isBatched;
    this.#keeper = keeper;
  }

  get used(): number {
    return this.#used;
  }

  get held(): number {
    return this.#held;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Neither holds anything nor is asked for anything. */
  get isEmpty(): boolean {
    return this.#used === 0 && this.#held === 0 && this.#waiting.length === 0;
  }

  /** Whether there is a place; a promise while the store is asked. `give` has to follow what is taken. */
  take(limit: number): boolean | Promise<boolean> {
    const now = this.#keeper.now();
    this.#limit = limit;
    this.#lastTaken = now;
    if (this.isEmpty) this.#keeper.hold(this);
    if (this.#waiting.length === 0 && this.#use()) {
      if (this.#isLow) this.#keeper.call(this);
      return true;
    }
    if (!this.#keeper.isReached || now < this.#spentUntil) return false;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#keeper.call(this);
    });
  }

  /** A place that was taken is free. */
  give(): void {
    this.#used -= 1;
    this.#serve();
    if (this.#excess() > 0) this.#keeper.call(this);
  }

  /** What to ask the store for. */
  get want(): Want | undefined {
    const [key, limit, batch] = [this.key, this.#limit, this.#batch];
    const need = this.#used + this.#waiting.length;
    if (need > this.#held) return { key, need, wish: need + batch - 1, limit };
    return this.#isLow ? { key, need: this.#held, wish: this.#used + batch, limit } : undefined;
  }

  /** The store has answered a `want` for which so many waited. */
  onTaken(held: number, { need, wish }: Want, waited: number): void {
    this.#held = held;
    const served = this.#serve();
    const now = this.#keeper.now();
    if (held < wish) this.#scarceUntil = now + SCARCE;
    if (held >= need) return;
    this.#spentUntil = now + SPENT;
    // Those who came meanwhile have not been asked for.
    for (const turnAway of this.#waiting.splice(0, Math.max(0, waited - served))) turnAway(false);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The store cannot be asked: what this process may do by itself has to do. */
  onAway(): void {
    this.#serve();
    for (const turnAway of this.#waiting.splice(0)) turnAway(false);
  }

  /** Holds no more than it should, and says whether that was more: the store has to be told. */
  trim(): boolean {
    const excess = this.#excess();
    this.#held -= excess;
    return excess > 0;
  }

  /** Gives up all that was taken in advance. */
  giveSpares(): void {
    this.#held = this.#used;
  }

  get isIdle(): boolean {
    return this.#keeper.now() - this.#lastTaken >= IDLE;
  }

  /** So that no more than a quarter of the limit is held in advance, by all processes together. */
  get #batch(): number {
    return this.#isBatched ? Math.max(1, Math.floor(this.#limit / (4 * this.#keeper.processes))) : 1;
  }

  get #isLow(): boolean {
    if (this.#held - this.#used >= Math.floor(this.#batch / 2) || this.isIdle) return false;
    return this.#keeper.isReached && this.#keeper.now() >= this.#scarceUntil;
  }

  #excess(): number {
    const spares = this.#held - this.#used - this.#waiting.length;
    const batch = this.#isBatched ? this.#batch : 0;
    if (spares <= 0 || (this.#isBatched && this.isIdle)) return Math.max(0, spares);
    return spares > 2 * batch ? spares - batch : 0;
  }

  #use(): boolean {
    if (this.#used >= this.#keeper.allowanceOf(this)) return false;
    this.#used += 1;
    return true;
  }

  /** Lets those in who have waited for longest, as far as there are places; says how many. */
  #serve(): number {
    let served = 0;
    while (this.#waiting.length > 0 && this.#use()) {
      this.#waiting.shift()?.(true);
      served += 1;
    }
    return served;
  }
}

/** Who asks the store for pools, and says what they may do meanwhile. */
export interface PoolKeeper {
  now(): number;
  /** The store answers, and the lease runs. */
  readonly isReached: boolean;
  /** Processes that share the limits, this one among them. */
  readonly processes: number;
  /** So many places may be in use at present. */
  allowanceOf(pool: Pool): number;
  /** It is empty, and will not be any more. */
  hold(pool: Pool): void;
  /** It has something to ask for, or to give back. */
  call(pool: Pool): void;
}

/** Spares that nobody has needed for so long are given back, ms. */
const IDLE = 10_000;
/** How long "there is none" and "there are few" are believed, ms. */
const [SPENT, SCARCE] = [100, 1_000] as const;
