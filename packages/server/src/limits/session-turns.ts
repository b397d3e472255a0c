import { TunnelError } from 'wsproxy-engine';
import type { GiveUpSignal } from 'wsproxy-node/dial';
import { DialQueue } from './dial-queue.js';
import type { Limits } from './limits.js';
import type { UserTurns, Waiter } from './user-turns.js';

/** Runs the dials of one session, each when it is its turn. */
export class SessionTurns {
  readonly #user: UserTurns;
  readonly #queue: DialQueue<Waiter>;

  constructor(user: UserTurns, { pendingDials, dialTimeout }: Limits) {
    this.#user = user;
    this.#queue = new DialQueue(pendingDials, dialTimeout);
  }

  /**
   * Runs `dial` when it is its turn, at once if it can. Undefined when that takes too long, or `signal` aborts before. A
   * dial that rejects has failed, unless the server itself had no room for it.
   */
  async run<T>(dial: () => Promise<T>, signal: GiveUpSignal): Promise<T | undefined> {
    if (!this.#user.takeTurn(this.#queue) && !(await this.#turn(signal))) return undefined;
    let isFree = true;
    try {
      return await dial();
    } catch (error) {
      isFree = error instanceof TunnelError && error.code === 'LIMIT_REACHED';
      throw error;
    } finally {
      this.#user.end(this.#queue, isFree);
    }
  }

  /** Resolves with whether it has come. */
  #turn(signal: GiveUpSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = { onCall: resolve };
      this.#user.wait(this.#queue, waiter);
      const onAbort = () => {
        this.#user.leave(this.#queue, waiter);
        resolve(false);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
