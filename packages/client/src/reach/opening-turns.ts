/**
 * Who may open a transport, in a process with many clients. After a loss that all of them see at once, thousands would begin
 * together, each too slowly to be answered in time, and then begin again. So `limit` are under way, and the others wait for
 * their turn. One that takes longer than `SLOW` counts no more: a server that does not answer holds up no other for long.
 */
export class OpeningTurns {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls `open` when it is its turn, or when `signal` is aborted: what opens then fails by itself. */
  async run<T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#underWay < this.#limit) this.#underWay += 1;
    else await this.#turn(signal);
    let isCounted = true;
    const leave = (): void => {
      if (isCounted) this.#passOn();
      isCounted = false;
    };
    const slow = setTimeout(leave, SLOW);
    try {
      return await open();
    } finally {
      clearTimeout(slow);
      leave();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        if (this.#waiting.delete(enter)) this.#underWay += 1;
        resolve();
      };
      this.#waiting.add(enter);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }

  #passOn(): void {
    this.#underWay -= 1;
    const [next] = this.#waiting;
    if (next === undefined || this.#underWay >= this.#limit) return;
    this.#waiting.delete(next);
    this.#underWay += 1;
    next();
  }
}

/** ms. */
const SLOW = 3_000;
