import type { Clock, Timer } from '../clock.js';

/**
 * Remembers that a session is to go on with a transport of its own time, opened after `ask`, and tries it again until there
 * is one: what holds for opening them has changed, such as the token.
 */
export class Renewal {
  readonly #clock: Clock;
  readonly #tryIt: () => void;
  #asked = 0;
  #met = 0;
  #failures = 0;
  #timer: Timer | undefined;

  /** `tryIt` opens a transport, if there is one to take the place of. */
  constructor(clock: Clock, tryIt: () => void) {
    this.#clock = clock;
    this.#tryIt = tryIt;
  }

  ask(): void {
    this.#asked += 1;
    this.#failures = 0;
    this.tryNow();
  }

  /** Does nothing when no transport is asked for, or the present one will do. */
  tryNow(): void {
    this.#timer?.cancel();
    if (this.#met < this.#asked) this.#tryIt();
  }

  /** A transport is about to be opened; returns what to call when it is the present one. */
  begin(): () => void {
    const asked = this.#asked;
    return () => {
      this.#met = Math.max(this.#met, asked);
    };
  }

  /** It could not be opened. */
  failed(): void {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(() => this.tryNow(), pause);
  }

  end(): void {
    this.#timer?.cancel();
  }
}

/** Between two tries, ms: anyone who changes a token changes it at both ends, one after the other. */
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 60_000;
