import type { Clock, Timer } from 'wsproxy-engine';
import type { DialQueue } from './dial-queue.js';
import type { Dialling, DialTurns } from './dial-turns.js';
import type { Limits } from './limits.js';
import { type DialLimit, UserDials } from './user-dials.js';

/** Begins the dials of one user, each when it is its turn. */
export class UserTurns implements Dialling {
  readonly #clock: Clock;
  readonly #turns: DialTurns;
  readonly #onWait: (limit: DialLimit) => void;
  readonly #dials: UserDials<Waiter>;
  #timer: Timer | undefined;
  #wakeAt = NEVER;

  /** `onWait` is told what each of those that have to wait comes up against. */
  constructor({ limits, clock, turns, onWait = () => {} }: UserTurnsOptions) {
    this.#clock = clock;
    this.#turns = turns;
    this.#onWait = onWait;
    this.#dials = new UserDials(limits);
  }

  /** Whether a dial of `queue` may begin at once: then it has begun. */
  takeTurn(queue: DialQueue<Waiter>): boolean {
    const now = this.#clock.now();
    if (queue.length > 0 || this.#dials.obstacle(queue, now) !== undefined || !this.#turns.takeTurn()) return false;
    this.#dials.begin(queue, now);
    return true;
  }

  wait(queue: DialQueue<Waiter>, waiter: Waiter): void {
    const now = this.#clock.now();
    this.#dials.add(queue, waiter, now);
    this.#turns.call(this);
    const limit = queue.has(waiter) ? this.#dials.obstacle(queue, now) : undefined;
    if (limit !== undefined) this.#onWait(limit);
  }

  /** `waiter` waits no more. */
  leave(queue: DialQueue<Waiter>, waiter: Waiter): void {
    this.#dials.remove(queue, waiter);
    if (!this.#dials.areWaiting) this.#wake(NEVER);
  }

  /** A dial is over; `isFree`: it does not count as failed. */
  end(queue: DialQueue<Waiter>, isFree: boolean): void {
    this.#dials.end(queue, isFree, this.#clock.now());
    if (this.#dials.areWaiting) this.#turns.call(this);
  }

  /** A dial goes on to one more address. */
  tryAnother(): void {
    this.#dials.tryAnother(this.#clock.now());
  }

  beginNext(): boolean {
    const now = this.#clock.now();
    for (let late = this.#dials.takeLate(now); late !== undefined; late = this.#dials.takeLate(now)) late.onCall(false);
    const next = this.#dials.takeNext(now);
    if (next === undefined) this.#wake(this.#dials.wakeAt(now));
    next?.onCall(true);
    return next !== undefined;
  }

  /** Looks again at `time`, or before; no more if that is NEVER. */
  #wake(time: number): void {
    if (time >= this.#wakeAt && time !== NEVER) return;
    this.#timer?.cancel();
    this.#wakeAt = time;
    this.#timer =
      time === NEVER ? undefined : this.#clock.setTimer(() => this.#onTime(), Math.max(0, time - this.#clock.now()));
  }

  #onTime(): void {
    this.#wake(NEVER);
    this.#turns.call(this);
  }
}

/** A channel that waits for its turn. */
export interface Waiter {
  /** Told once whether its turn has come, or never will. */
  onCall(isTurn: boolean): void;
}

export interface UserTurnsOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly turns: DialTurns;
  readonly onWait?: (limit: DialLimit) => void;
}

const NEVER = Number.POSITIVE_INFINITY;
