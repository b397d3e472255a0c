import type { DialQueue } from './dial-queue.js';
import type { LimitName, Limits } from './limits.js';
import { RateBucket } from './rate-bucket.js';

/**
 * What one user dials, in all sessions: whose turn it is, and what keeps them waiting. A dial counts as failed until it has
 * brought a connection. So those that do cost nothing. Those that do not are held to a rate, in any mixture and with any end: a
 * scan of ports or of names is nearly nothing else. Nothing has to be known of destinations for it. `now` in ms.
 */
export class UserDials<T> {
  readonly #failures: RateBucket;
  /** Those with somebody who waits, whose turn it is first. */
  readonly #queues = new Set<DialQueue<T>>();

  constructor(limits: Pick<Limits, 'failedDialsPerSecond' | 'failedDialsBurst'>) {
    this.#failures = RateBucket.ofOnes(limits.failedDialsPerSecond, limits.failedDialsBurst);
  }

  /** Whether somebody waits in any session. */
  get areWaiting(): boolean {
    return this.#queues.size > 0;
  }

  /** What keeps the next one in `queue` from being dialled; undefined when nothing does. */
  obstacle(queue: DialQueue<T>, now: number): DialLimit | undefined {
    if (queue.isFull) return 'pendingDials';
    return this.#failures.waitFor(now) > 0 ? 'failedDialsPerSecond' : undefined;
  }

  add(queue: DialQueue<T>, one: T, now: number): void {
    queue.add(one, now);
    this.#queues.add(queue);
  }

  remove(queue: DialQueue<T>, one: T): void {
    queue.remove(one);
    if (queue.length === 0) this.#queues.delete(queue);
  }

  /** Takes out the one whose turn it is, if it may be dialled: its dial has begun. Sessions take turns. */
  takeNext(now: number): T | undefined {
    if (this.#failures.waitFor(now) > 0) return undefined;
    for (const queue of this.#queues) {
      const one = queue.takeNext();
      if (one === undefined) continue;
      this.#queues.delete(queue);
      if (queue.length > 0) this.#queues.add(queue);
      this.begin(queue, now);
      return one;
    }
    return undefined;
  }

  /** A dial of `queue` begins, though nobody has waited. */
  begin(queue: DialQueue<T>, now: number): void {
    queue.begin();
    this.#failures.spend(1, now);
  }

  /** `costsNothing`: it has brought a connection, or has not been tried for a reason that is the server's own. */
  end(queue: DialQueue<T>, costsNothing: boolean, now: number): void {
    queue.end();
    if (costsNothing) this.#failures.giveBack(1, now);
  }

  /** A dial goes on to one more address: of all that it tries one can bring the connection. */
  tryAnother(now: number): void {
    this.#failures.spend(1, now);
  }

  /** Takes out somebody who has waited for too long. */
  takeLate(now: number): T | undefined {
    for (const queue of this.#queues) {
      const late = queue.takeLate(now);
      if (queue.length === 0) this.#queues.delete(queue);
      if (late !== undefined) return late;
    }
    return undefined;
  }

  /** When time alone brings somebody's turn, or the end of a wait; Infinity when nobody waits. */
  wakeAt(now: number): number {
    const debt = this.#failures.waitFor(now);
    let wake = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      wake = Math.min(wake, queue.lateAt);
      if (debt > 0 && !queue.isFull) wake = Math.min(wake, now + Math.ceil(debt));
    }
    return wake;
  }
}

/** What a channel may have to wait for. */
export type DialLimit = Extract<LimitName, 'pendingDials' | 'failedDialsPerSecond'>;
