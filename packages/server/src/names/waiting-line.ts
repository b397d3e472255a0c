/** Places for so many at a time. Who finds none waits in a line, which is bounded, and not for ever. */
export class WaitingLine {
  readonly #options: LineOptions;
  readonly #waiting = new Set<(hasPlace: boolean) => void>();
  #taken = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** True with a place, which `leave` gives back; false when the line is full, it has lasted too long, or `signal` has come. */
  enter(signal?: AbortSignal): Promise<boolean> {
    const { length, time } = this.#options;
    if (signal?.aborted === true) return Promise.resolve(false);
    if (this.tryEnter()) return Promise.resolve(true);
    if (this.#waiting.size >= length) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = (): void => settle(false);
      const timer = setTimeout(giveUp, time).unref();
      const settle = (hasPlace: boolean): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#waiting.delete(settle);
        resolve(hasPlace);
      };
      this.#waiting.add(settle);
      signal?.addEventListener('abort', giveUp);
    });
  }

  /** True with a place, if there is one now. */
  tryEnter(): boolean {
    if (this.#taken >= this.#options.places()) return false;
    this.#taken += 1;
    return true;
  }

  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next(true);
  }
}

export interface LineOptions {
  readonly places: () => number;
  /** How many may wait. */
  readonly length: number;
  /** For how long, ms. */
  readonly time: number;
}
