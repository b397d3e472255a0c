import type { Clock, Timer } from 'wsproxy-engine';
import { Pool, type PoolKeeper } from './pool.js';
import { type Facts, type Holding, LEASE, type ProcessFact, type Store, StoreError } from './store.js';

/**
 * Takes places for this process and gives them back, keeps its lease, and looks at what others tell. What it says to the store comes one
 * after the other; what comes together is asked together.
 */
export class Places implements PoolKeeper {
  readonly #options: PlacesOptions;
  /** All that are not empty. */
  readonly #pools = new Set<Pool>();
  readonly #called = new Set<Pool>();
  #isExchanging = false;
  #turn: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #isClosed = false;
  /** The last call has been answered. */
  #isAnswered = false;
  /** By the own clock, and before the store thinks so. */
  #leaseEnd = Number.NEGATIVE_INFINITY;
  /** The store may think that other places are held than are. */
  #isUnsure = true;
  #processes = 1;
  #mark: number | undefined;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Resolves when the store has answered for the first time, or has not. */
  async begin(): Promise<void> {
    await this.#beat();
  }

  /** Those of one limit, once. */
  pool(key: string, isBatched: boolean): Pool {
    return new Pool(key, isBatched, this);
  }

  now(): number {
    return this.#options.clock.now();
  }

  get isReached(): boolean {
    return this.#isAnswered && this.now() < this.#leaseEnd;
  }

  get processes(): number {
    return this.#processes;
  }

  /** How many places are held, of all users, by limit. */
  get held(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { key, held } of this.#pools) {
      const [limit = '', user] = key.split('/');
      // Each is held once more under the limit of all users.
      if (user !== undefined) sums.set(limit, (sums.get(limit) ?? 0) + held);
    }
    return sums;
  }

  allowanceOf({ held, limit }: Pool): number {
    if (this.isReached) return held;
    if (this.#options.away === 'admit') return Math.max(held, Math.floor(limit / this.#processes));
    return this.now() < this.#leaseEnd ? held : 0;
  }

  hold(pool: Pool): void {
    this.#pools.add(pool);
  }

  call(pool: Pool): void {
    this.#called.add(pool);
    if (this.#isExchanging) return;
    this.#isExchanging = true;
    void this.#inTurn(() => this.#exchange());
  }

  /** Whether the store has done what `call` asks of it, in turn: not while it is away. What only finds that the lease has ended is called again. */
  async ask(call: () => Promise<void>): Promise<boolean> {
    let isDone = false;
    const attempt = async (): Promise<void> => {
      await call();
      isDone = true;
    };
    await this.#inTurn(async () => {
      if (!this.isReached || this.#isClosed) return;
      if ((await this.#ask(attempt)) && !isDone) await this.#ask(attempt);
    });
    return isDone;
  }

  /** There is news: looks at once. */
  look(): void {
    void this.#inTurn(() => this.#read());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const pool of this.#pools) pool.onAway();
  }

  async #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(task);
    this.#turn = turn;
    await turn;
  }

  async #beat(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isClosed || !(await this.#renew())) return;
      await this.#read();
      this.#giveIdle();
    });
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimer(() => void this.#beat(), this.#isAnswered ? BEAT : BEAT_AWAY);
  }

  /** Whether the lease runs again. */
  async #renew(): Promise<boolean> {
    const { store, self } = this.#options;
    const asked = this.now();
    const isDone = await this.#ask(async () => {
      // What was taken in advance is this process' own as long as its lease runs.
      if (asked >= this.#leaseEnd) this.#giveSpares();
      const { isNew } = await store.add({
        ...self,
        kind: 'process',
        holdings: this.#isUnsure ? this.#holdings : undefined,
      });
      if (!isNew) return;
      this.#giveSpares();
      await store.add({ ...self, kind: 'process', holdings: this.#holdings });
      this.#options.onForgotten();
    });
    if (!isDone) return false;
    this.#isUnsure = false;
    this.#leaseEnd = asked + LEASE - MARGIN;
    this.#isAnswered = true;
    this.#options.onState(undefined);
    return true;
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    await this.#ask(async () => {
      const facts = await this.#options.store.read(this.#mark);
      this.#mark = facts.mark;
      this.#processes = Math.max(1, facts.processes.length);
      this.#options.onFacts(facts);
    });
  }

  /** One round: those that have called meanwhile have theirs after those who stand in line. */
  async #exchange(): Promise<void> {
    const pools = [...this.#called].slice(0, MOST_POOLS);
    for (const pool of pools) this.#called.delete(pool);
    if (this.isReached) await this.#ask(() => this.#trade(pools), pools);
    else for (const pool of pools) pool.onAway();
    this.#isExchanging = this.#called.size > 0 && !this.#isClosed;
    if (this.#isExchanging) void this.#inTurn(() => this.#exchange());
  }

  async #trade(pools: readonly Pool[]): Promise<void> {
    const { store } = this.#options;
    // Less is held from here on, not from the answer on: the store may have done it.
    const trimmed = pools.filter((pool) => pool.trim());
    if (trimmed.length > 0) await store.give(trimmed.map(holdingOf));
    const asking = pools.flatMap((pool) => {
      const { want, waiting } = pool;
      return want === undefined ? [] : [{ pool, want, waiting }];
    });
    if (asking.length === 0) return;
    const counts = await store.take(asking.map(({ want }) => want));
    for (const [index, { pool, want, waiting }] of asking.entries()) {
      pool.onTaken(counts[index] ?? pool.held, want, waiting);
    }
  }

  /** Whether the store has answered. What `pools` have asked for is asked again when only the lease has ended. */
  async #ask(call: () => Promise<void>, pools: readonly Pool[] = []): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      this.#isUnsure = true;
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'lease' && (await this.#renew())) {
        for (const pool of pools) this.#called.add(pool);
        return true;
      }
      this.#isAnswered = false;
      this.#options.onState(error);
      for (const pool of pools) pool.onAway();
      return false;
    }
  }

  get #holdings(): Holding[] {
    return [...this.#pools].map(holdingOf).filter(({ held }) => held > 0);
  }

  #giveSpares(): void {
    for (const pool of this.#pools) pool.giveSpares();
  }

  #giveIdle(): void {
    for (const pool of this.#pools) {
      if (pool.isEmpty) this.#pools.delete(pool);
      else if (pool.isIdle && pool.held > pool.used) this.call(pool);
    }
  }
}

export interface PlacesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly self: Pick<ProcessFact, 'node' | 'address'>;
  /**
   * What new ones get while the store is away: `admit`, what is held, or this process' part of the limit if that is more; `refuse`, what
   * is held while the lease runs.
   */
  readonly away: 'admit' | 'refuse';
  /** Told with each answer, and each time that there was none. */
  readonly onState: (error: StoreError | undefined) => void;
  readonly onFacts: (facts: Facts) => void;
  /** The store knew nothing of this process, and is told anew: also when it is told for the first time. */
  readonly onForgotten: () => void;
}

/** From one look, and renewal of the lease, to the next, ms; the latter while the store is away. */
const [BEAT, BEAT_AWAY] = [2_000, 1_000] as const;
/** By which a lease is taken to end before the store thinks so, ms. */
const MARGIN = 1_000;
/** In one call. */
const MOST_POOLS = 500;

function holdingOf({ key, held }: Pool): Holding {
  return { key, held };
}
