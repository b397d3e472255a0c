import { holds } from '../invariant.js';
import type { MemoryBudget } from './memory-budget.js';

/** A new limit is worth a frame once this share of the window can be given back. */
const GRANT_SHARE = 4;
/** A window grows when half of it was used within so many round trips: it is then what limits the sender, or nearly. */
const GROWTH_ROUND_TRIPS = 2;
/** And only if that made the rate higher than when it grew last: a queue that we fill ourselves proves nothing. */
const GROWTH_RATE = 1.25;
/** A channel that was idle for so long begins small again, ms. */
const IDLE = 10_000;

export interface WindowOptions {
  /** Granted by the protocol before anything else, bytes. Not charged to the budget: each channel is sure of it. */
  readonly base: number;
  /** What a window should begin with, as far as the budget allows. */
  readonly initial: number;
  readonly max: number;
  readonly budget: MemoryBudget;
}

/**
 * What we let the peer send on a channel. Credit returns when the far socket has taken the bytes, not on arrival. The
 * window starts small and doubles as long as that makes the channel faster; what it may hold is reserved first, and
 * given back when it has been idle. Windows begin in one half of the budget, and take at most half of what is left when
 * they grow: so those that move nothing leave room for those that do, and the first ones some for the next. Times in ms.
 */
export class ReceiveWindow {
  readonly #options: WindowOptions;
  #size: number;
  #limit: number;
  /** What the budget holds for this window beyond `base`. */
  #reserved = 0;
  #received = 0;
  #consumed = 0;

  /** Since when, and from which count on, the present half window is measured. */
  #since: number;
  #sinceConsumed = 0;
  #rateAtGrowth = 0;
  #lastConsumed: number;

  constructor(options: WindowOptions, now: number) {
    this.#options = options;
    this.#size = options.base;
    this.#limit = options.base;
    this.#since = now;
    this.#lastConsumed = now;
  }

  get size(): number {
    return this.#size;
  }

  get received(): number {
    return this.#received;
  }

  /** The total that the peer may send; what WINDOW tells. */
  get limit(): number {
    return this.#limit;
  }

  /** Takes the initial window, or as much of it as the budget has for a beginning; returns the limit that this makes. */
  open(): number {
    this.#begin();
    this.#limit = Math.max(this.#limit, this.#consumed + this.#size);
    this.#check();
    return this.#limit;
  }

  /** Data is about to move: a window that had to begin smaller is opened now, if it can be. True when the peer is to be told. */
  widen(): boolean {
    if (this.#size >= this.#options.initial) return false;
    this.#begin();
    return this.#raise();
  }

  /** False when the peer sent more than it was granted. */
  receive(bytes: number): boolean {
    if (this.#received + bytes > this.#limit) return false;
    this.#received += bytes;
    return true;
  }

  /** `bytes` were taken by the reader. True when the limit has risen enough to tell the peer. */
  consume(bytes: number, now: number, roundTrip: number): boolean {
    if (now - this.#lastConsumed > IDLE) this.#startSmall(now);
    this.#lastConsumed = now;
    this.#consumed += bytes;
    if (this.#size < this.#options.initial) this.#begin();
    this.#tune(now, roundTrip);
    this.#releaseSurplus();
    return this.#raise();
  }

  /**
   * The sender gives back what it was granted beyond `keep`. That counts when it has `seen` the newest limit; otherwise a
   * higher one is on its way to it, and stands.
   */
  takeBack(seen: number, keep: number, now: number): void {
    if (seen !== this.#limit || keep > seen || keep < this.#received) return;
    // Told twice, it may say what was true before more came, and was taken: the base is the sender's all the same.
    this.#limit = Math.max(keep, Math.min(seen, this.#consumed + this.#options.base));
    this.#size = this.#options.base;
    this.#rateAtGrowth = 0;
    this.#since = now;
    this.#sinceConsumed = this.#consumed;
    this.#releaseSurplus();
    this.#check();
  }

  /** Nothing more comes: what was granted in vain is free at once, what came once the reader has taken it. */
  close(): void {
    this.#size = this.#options.base;
    this.#limit = this.#received;
    this.#releaseSurplus();
  }

  /** `bytes` were taken by the reader of a window that is closed. */
  drain(bytes: number): void {
    this.#consumed += bytes;
    this.#check();
    this.#releaseSurplus();
  }

  #tune(now: number, roundTrip: number): void {
    const used = this.#consumed - this.#sinceConsumed;
    if (used < this.#size / 2 || !Number.isFinite(roundTrip)) return;
    const elapsed = now - this.#since;
    const rate = used / Math.max(elapsed, roundTrip, 1);
    if (elapsed < GROWTH_ROUND_TRIPS * roundTrip && rate >= this.#rateAtGrowth * GROWTH_RATE) {
      if (this.#grow(Math.min(this.#size * 2, this.#options.max), this.#growthRoom)) this.#rateAtGrowth = rate;
    }
    this.#since = now;
    this.#sinceConsumed = this.#consumed;
  }

  /** What was granted stays granted: the limit waits until the smaller window has caught up with it. */
  #startSmall(now: number): void {
    this.#size = Math.min(this.#size, Math.max(this.#options.base, this.#options.initial));
    this.#rateAtGrowth = 0;
    this.#since = now;
    this.#sinceConsumed = this.#consumed;
  }

  #begin(): void {
    const { initial, budget } = this.#options;
    this.#grow(initial, budget.initialRoom);
  }

  /** Reserves for `size`, or for as much more as `room` allows; false when that is nothing. */
  #grow(size: number, room: number): boolean {
    const { base, budget } = this.#options;
    const more = Math.min(size - base - this.#reserved, room);
    if (more > 0) {
      budget.take(more);
      this.#reserved += more;
    }
    const before = this.#size;
    this.#size = Math.max(this.#size, Math.min(size, base + this.#reserved));
    return this.#size > before;
  }

  /** What a window that has proved its need may take: half of what is left, or a little that is all there is. */
  get #growthRoom(): number {
    const { initial, budget } = this.#options;
    return Math.max(Math.floor(budget.room / 2), Math.min(budget.room, initial));
  }

  /** True when the limit has risen enough to tell the peer. */
  #raise(): boolean {
    this.#check();
    if (this.#consumed + this.#size - this.#limit < this.#size / GRANT_SHARE) return false;
    this.#limit = this.#consumed + this.#size;
    this.#check();
    return true;
  }

  #check(): void {
    const promised = this.#limit - this.#consumed;
    holds(this.#consumed <= this.#received, 'more was taken from a window than had come');
    holds(promised <= this.#options.base + this.#reserved, 'a window has promised more than is reserved for it');
  }

  /** Gives back what neither the window nor what was granted before can use any more. */
  #releaseSurplus(): void {
    const needed = Math.max(this.#size, this.#limit - this.#consumed) - this.#options.base;
    if (needed >= this.#reserved) return;
    this.#options.budget.release(this.#reserved - needed);
    this.#reserved = needed;
  }
}
