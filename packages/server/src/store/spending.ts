import type { Clock, Timer } from 'wsproxy-engine';
import { monthOf } from './month.js';
import { type Store, StoreError, type Sum } from './store.js';

/** Tells the store what users have carried here, and hears what they have carried everywhere. Nobody who carries waits for it. */
export class Spending {
  readonly #options: SpendingOptions;
  /** Those of whom the store does not know all. */
  readonly #untold = new Set<Spender>();
  #timer: Timer | undefined;
  #isTelling = false;
  /** There is much that is untold. */
  #isMuch = false;
  #isClosed = false;

  constructor(options: SpendingOptions) {
    this.#options = options;
  }

  /** `spender` has carried something, or is new here. `isMuch`: tells it at once. */
  note(spender: Spender, isMuch: boolean): void {
    this.#untold.add(spender);
    this.#isMuch ||= isMuch;
    if (isMuch) void this.#tell();
    else this.#timer ??= this.#options.clock.setTimer(() => void this.#tell(), INTERVAL);
  }

  /** For the last time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#tell();
    this.#timer?.cancel();
  }

  async #tell(): Promise<void> {
    if (this.#isTelling || this.#untold.size === 0) return;
    this.#isTelling = true;
    this.#isMuch = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    const wallTime = this.#options.clock.wallTime();
    const month = monthOf(wallTime);
    const spenders = [...this.#untold].slice(0, MOST_SPENDERS);
    for (const spender of spenders) this.#untold.delete(spender);
    const sums = spenders.map((spender): Sum => ({ user: spender.userId, bytes: spender.sumToTell(wallTime) }));
    try {
      const totals = await this.#options.store.spend(month, sums);
      for (const [index, spender] of spenders.entries()) {
        const bytes = sums[index]?.bytes ?? 0;
        spender.onTotal({ wallTime, bytes, total: totals[index] ?? bytes });
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // The next sums have these in them.
      for (const spender of spenders) this.#untold.add(spender);
      this.#isMuch = false;
    }
    this.#isTelling = false;
    if (this.#untold.size === 0 || this.#isClosed) return;
    if (this.#isMuch) return this.#tell();
    this.#timer ??= this.#options.clock.setTimer(() => void this.#tell(), INTERVAL);
  }
}

/** What one user carries. */
export interface Spender {
  readonly userId: string;
  /** Bytes that this process has carried in the month of `wallTime`; what is carried from here on is noted anew. */
  sumToTell(wallTime: number): number;
  onTotal(answer: Total): void;
}

/** Of these `bytes`, carried here in the month of `wallTime`, the store has made `total`. */
export interface Total {
  readonly wallTime: number;
  readonly bytes: number;
  readonly total: number;
}

export interface SpendingOptions {
  readonly store: Pick<Store, 'spend'>;
  readonly clock: Pick<Clock, 'setTimer' | 'wallTime'>;
}

/** From one telling to the next, ms, unless it is much. */
const INTERVAL = 1_000;
/** In one call. */
const MOST_SPENDERS = 1_000;
