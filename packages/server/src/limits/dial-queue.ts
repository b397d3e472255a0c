import type { LimitName, Limits } from './limits.js';
import { RateBucket } from './rate-bucket.js';

/**
 * Whose turn it is to be dialled in one session: who came first goes first. A script that opens a thousand connections
 * at once does nothing wrong, so what is beyond these two limits waits, for as long as a dial may take. `now` in ms.
 */
export class DialQueue<T> {
  readonly #pendingDials: number;
  readonly #longestWait: number;
  readonly #opens: RateBucket;
  /** Since when each of them waits, the first one ahead. */
  readonly #waiting = new Map<T, number>();
  #dialling = 0;

  constructor(limits: Pick<Limits, 'pendingDials' | 'opensPerSecond' | 'opensBurst' | 'dialTimeout'>) {
    this.#pendingDials = limits.pendingDials;
    this.#longestWait = limits.dialTimeout;
    this.#opens = RateBucket.ofOnes(limits.opensPerSecond, limits.opensBurst);
  }

  get length(): number {
    return this.#waiting.size;
  }

  has(one: T): boolean {
    return this.#waiting.has(one);
  }

  add(one: T, now: number): void {
    this.#waiting.set(one, now);
  }

  /** `one` does not wait any more, if it did. */
  remove(one: T): void {
    this.#waiting.delete(one);
  }

  /** What keeps the first one from its turn; undefined when nothing does. */
  obstacle(now: number): DialLimit | undefined {
    if (this.#dialling >= this.#pendingDials) return 'pendingDials';
    return this.#opens.waitFor(now) > 0 ? 'opensPerSecond' : undefined;
  }

  /** Takes out the first one, if it is its turn: it is being dialled until `dialEnded` says otherwise. */
  takeNext(now: number): T | undefined {
    const [first] = this.#waiting.keys();
    if (first === undefined || this.obstacle(now) !== undefined) return undefined;
    this.#opens.spend(1, now);
    this.#dialling += 1;
    this.#waiting.delete(first);
    return first;
  }

  /** One of those being dialled is so no more. */
  dialEnded(): void {
    this.#dialling -= 1;
  }

  /** Takes out the first one, if it has waited for too long. */
  takeLate(now: number): T | undefined {
    const [first] = this.#waiting;
    if (first === undefined || now - first[1] < this.#longestWait) return undefined;
    this.#waiting.delete(first[0]);
    return first[0];
  }

  /** After how long time alone brings somebody's turn, or the end of a wait, ms; undefined when nobody waits. */
  wakeIn(now: number): number | undefined {
    const [since] = this.#waiting.values();
    if (since === undefined) return undefined;
    const patience = Math.max(0, since + this.#longestWait - now);
    return this.obstacle(now) === 'pendingDials' ? patience : Math.min(patience, Math.ceil(this.#opens.waitFor(now)));
  }
}

/** What a channel may have to wait for. */
export type DialLimit = Extract<LimitName, 'pendingDials' | 'opensPerSecond'>;
