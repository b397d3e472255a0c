import { type GiveUpSignal, onAbort } from 'wsproxy-node/dial';

/** Runs so many tasks at a time; the others wait for their turn, in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Rejects as `task` does, or with the reason of `signal`, if that aborts before its turn has come. */
  async run<T>(task: () => Promise<T>, signal: GiveUpSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await task();
    } finally {
      this.#giveBack();
    }
  }

  async #turn(signal: GiveUpSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const start = (): void => {
        forgetSignal();
        resolve();
      };
      const forgetSignal = onAbort(signal, () => {
        this.#waiting.delete(start);
        reject(signal.reason);
      });
      if (!signal.aborted) this.#waiting.add(start);
    });
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** At a time, for one listener. */
export const MAX_DIALS = 64;
