import type { Clock, Timer } from 'wsproxy-engine';
import { type DialLimit, DialQueue } from './dial-queue.js';
import type { Limits } from './limits.js';

/** Runs the dials of one session, each when it is its turn. */
export class DialTurns {
  readonly #clock: Clock;
  readonly #onWait: (limit: DialLimit) => void;
  readonly #queue: DialQueue<Waiter>;
  #timer: Timer | undefined;

  /** `onWait` is told what each of those that have to wait comes up against. */
  constructor(limits: Limits, clock: Clock, onWait: (limit: DialLimit) => void = () => {}) {
    this.#clock = clock;
    this.#onWait = onWait;
    this.#queue = new DialQueue(limits);
  }

  /** Runs `dial` when it is its turn, at once if it can. Undefined when that takes too long, or `signal` aborts before. */
  async run<T>(dial: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const waiter = new Waiter();
    this.#queue.add(waiter, this.#clock.now());
    this.#call();
    if (this.#queue.has(waiter) && !(await this.#turnOf(waiter, signal))) return undefined;
    try {
      return await dial();
    } finally {
      this.#queue.dialEnded();
      this.#call();
    }
  }

  /** Resolves with whether it has come. */
  #turnOf(waiter: Waiter, signal: AbortSignal): Promise<boolean> {
    const limit = this.#queue.obstacle(this.#clock.now());
    if (limit !== undefined) this.#onWait(limit);
    signal.addEventListener('abort', () => this.#leave(waiter), { once: true });
    return new Promise((resolve) => {
      waiter.onCall = resolve;
    });
  }

  #leave(waiter: Waiter): void {
    this.#queue.remove(waiter);
    if (this.#queue.length === 0) this.#timer?.cancel();
    waiter.onCall(false);
  }

  #call(): void {
    const now = this.#clock.now();
    for (let late = this.#queue.takeLate(now); late !== undefined; late = this.#queue.takeLate(now)) late.onCall(false);
    for (let next = this.#queue.takeNext(now); next !== undefined; next = this.#queue.takeNext(now)) next.onCall(true);
    this.#timer?.cancel();
    const delay = this.#queue.wakeIn(now);
    if (delay !== undefined) this.#timer = this.#clock.setTimer(() => this.#call(), delay);
  }
}

class Waiter {
  /** Told once whether its turn has come, or never will. */
  onCall: (isTurn: boolean) => void = () => {};
}
