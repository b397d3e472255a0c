import type { Clock, Timer } from '../clock.js';
import type { Carried } from '../session/carried.js';
import type { Session } from '../session/session.js';

/**
 * The requests that wait for a tunnel that is down: each is given up after some seconds, and while there is one, the server is
 * tried again and again, since an attempt that hangs may hang on a path that is back meanwhile.
 */
export class WaitingRequests {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #tryAgain: () => number;
  /** When those that wait are given up. */
  readonly #limits = new Set<Timer>();
  #nextTry: Timer | undefined;

  /** `tryAgain` tries the server, unless that was done a moment ago, and tells after how many ms to call it again. */
  constructor(session: Session, clock: Clock, tryAgain: () => number) {
    this.#session = session;
    this.#clock = clock;
    this.#tryAgain = tryAgain;
  }

  /**
   * These channels are given up when the tunnel does not come up, or a silent one shows no life, in time. One that another
   * session carries by then does not wait for this one any more.
   */
  add(channels: readonly Carried[]): void {
    if (channels.length === 0) return;
    const sign = this.#session.lastSign;
    const limit = this.#clock.setTimer(() => {
      this.#limits.delete(limit);
      if (sign !== undefined && sign !== this.#session.lastSign) return;
      this.#session.giveUp(channels, 'TUNNEL_DOWN');
    }, LIMIT);
    this.#limits.add(limit);
  }

  /** No pause is worth keeping: the server is tried at once, and again while somebody waits. */
  hurry(): void {
    this.#nextTry?.cancel();
    this.#nextTry = undefined;
    if (this.#limits.size === 0 || this.#session.unanswered.length === 0) return;
    const pause = this.#tryAgain();
    // Anyone who was told of the attempt may have closed the tunnel.
    if (this.#limits.size > 0) this.#nextTry = this.#clock.setTimer(() => this.hurry(), pause);
  }

  /** The same a while from now, ms, unless it comes before: a pause is worth keeping, but not for longer. */
  hurryIn(pause: number): void {
    if (this.#limits.size > 0) this.#nextTry ??= this.#clock.setTimer(() => this.hurry(), pause);
  }

  /** There is a way, or there will never be one: nobody waits any more. */
  end(): void {
    this.#nextTry?.cancel();
    this.#nextTry = undefined;
    for (const limit of this.#limits) limit.cancel();
    this.#limits.clear();
  }
}

/** How long a request waits for a tunnel that is down, ms. */
const LIMIT = 5_000;
