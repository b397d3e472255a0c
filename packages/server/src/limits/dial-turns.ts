import type { Clock, Timer } from 'wsproxy-engine';
import { type DialLimit, DialQueue } from './dial-queue.js';
import type { Limits } from './limits.js';

/** Somebody who wants to be dialled. One of the two is called, unless it leaves before. */
export interface Waiting {
  /** It is to be dialled now; `dialEnded` has to follow. */
  onTurn(): void;
  /** It has waited for too long, and is out. */
  onLate(): void;
}

/** Calls up those who wait to be dialled in one session, each when it is its turn. */
export class DialTurns {
  readonly #clock: Clock;
  readonly #queue: DialQueue<Waiting>;
  #timer: Timer | undefined;
  #isCalling = false;

  constructor(limits: Limits, clock: Clock) {
    this.#clock = clock;
    this.#queue = new DialQueue(limits, clock.now());
  }

  /** Returns the limit that makes it wait; undefined when its turn came at once. */
  enter(waiting: Waiting): DialLimit | undefined {
    this.#queue.add(waiting, this.#clock.now());
    this.#call();
    return this.#queue.has(waiting) ? this.#queue.obstacle(this.#clock.now()) : undefined;
  }

  /** It does not want to be dialled any more, if it still waits. */
  leave(waiting: Waiting): void {
    this.#queue.remove(waiting);
    if (this.#queue.length === 0) this.#timer?.cancel();
  }

  /** Who had its turn has been dialled, or has failed, and has let go of everything. */
  dialEnded(): void {
    this.#queue.dialEnded();
    this.#call();
  }

  #call(): void {
    // Whoever is called may be done at once, and say so: the loop below goes on with the next one.
    if (this.#isCalling) return;
    this.#isCalling = true;
    const now = this.#clock.now();
    for (let late = this.#queue.takeLate(now); late !== undefined; late = this.#queue.takeLate(now)) late.onLate();
    for (let next = this.#queue.takeNext(now); next !== undefined; next = this.#queue.takeNext(now)) next.onTurn();
    this.#isCalling = false;
    this.#timer?.cancel();
    const delay = this.#queue.wakeIn(now);
    if (delay !== undefined) this.#timer = this.#clock.setTimer(() => this.#call(), delay);
  }
}
