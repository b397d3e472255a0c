import { LONGEST_TIME } from 'wsproxy-node/options';

/** Tells once when nothing has moved for a time; anything that moves afterwards starts it again. Keeps no process alive. */
export class IdleTimer {
  readonly #bytesMoved: () => number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** At the last look. */
  #seen = 0;

  /** `bytesMoved`: of what moves without `refresh`. */
  constructor(bytesMoved: () => number, onIdle: () => void) {
    this.#bytesMoved = bytesMoved;
    this.#onIdle = onIdle;
  }

  /**
   * In ms; 0: never.
   * @throws as Node's timers of sockets do
   */
  set(time: number): void {
    if (typeof time !== 'number') throw invalid(new TypeError('a time must be a number, ms'), 'ERR_INVALID_ARG_TYPE');
    if (!(time >= 0 && time < Number.POSITIVE_INFINITY)) {
      throw invalid(new RangeError(`a time must be 0 or more, ms, and finite: ${time}`), 'ERR_OUT_OF_RANGE');
    }
    this.stop();
    if (time === 0) return;
    this.#seen = this.#bytesMoved();
    this.#timer = setTimeout(() => this.#look(), Math.min(time, LONGEST_TIME));
    this.#timer.unref();
  }

  refresh(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A large write moves for long without anybody saying so. */
  #look(): void {
    const seen = this.#bytesMoved();
    if (seen === this.#seen) return this.#onIdle();
    this.#seen = seen;
    this.refresh();
  }
}

function invalid(error: Error, code: string): Error {
  return Object.assign(error, { code });
}
