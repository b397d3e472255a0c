import type { Clock, Timer } from '../clock.js';
import { ACK_BYTES, ACK_DELAY, ACK_INTERVAL } from '../constants.js';

/** When to tell the peer what was processed: soon enough to clock what it sends, rarely enough to cost nothing. */
export class Acknowledger {
  /** Sequenced frames processed. */
  received = 0;

  readonly #clock: Clock;
  readonly #onDue: () => void;
  #told = 0;
  #bytes = 0;
  #toldAt = 0;
  /** Since when the first frame waits that was not told. */
  #pendingSince = 0;
  #isLate = false;
  #timer: Timer | undefined;

  /** `onDue` is called when an acknowledgement should leave now. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** There is something to tell. */
  get isPending(): boolean {
    return this.received > this.#told;
  }

  /** It should be told now, even if nothing else is to be sent. */
  get isDue(): boolean {
    if (!this.isPending) return false;
    return this.#isLate || (this.#bytes >= ACK_BYTES && this.#clock.now() - this.#toldAt >= ACK_INTERVAL);
  }

  /** One more frame, of `bytes`, was processed. */
  note(bytes: number): void {
    if (!this.isPending) this.#pendingSince = this.#clock.now();
    this.received += 1;
    this.#bytes += bytes;
    if (this.isDue) this.#onDue();
    else this.#timer ??= this.#clock.setTimer(this.#onTimer, ACK_DELAY);
  }

  /** The count that an ACK or RESUME leaving now has to tell. */
  tell(): number {
    // The timer goes on, and looks again: making one for each frame would cost more than that.
    this.#isLate = false;
    this.#told = this.received;
    this.#bytes = 0;
    this.#toldAt = this.#clock.now();
    return this.received;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isLate = false;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (!this.isPending) return;
    const left = this.#pendingSince + ACK_DELAY - this.#clock.now();
    if (left > 0) {
      this.#timer = this.#clock.setTimer(this.#onTimer, left);
      return;
    }
    this.#isLate = true;
    this.#onDue();
  };
}
