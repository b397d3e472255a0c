import type { Clock, Timer } from '../clock.js';
import { ACK_BYTES, ACK_DELAY, ACK_INTERVAL, ACKS_PER_ROUND_TRIP, FAST_BYTES } from '../constants.js';
import type { RoundTrip } from '../flow/round-trip.js';

/** When to tell the peer what was processed: soon enough to clock what it sends, rarely enough to cost nothing. */
export class Acknowledger {
  /** Sequenced frames processed. */
  received = 0;

  readonly #clock: Clock;
  readonly #roundTrip: Pick<RoundTrip, 'lowest'>;
  readonly #teller: Teller;
  #told = 0;
  #bytes = 0;
  #toldAt = 0;
  /** Since when the first frame waits that was not told. */
  #pendingSince = 0;
  #isLate = false;
  #timer: Timer | undefined;

  constructor(clock: Clock, roundTrip: Pick<RoundTrip, 'lowest'>, teller: Teller) {
    this.#clock = clock;
    this.#roundTrip = roundTrip;
    this.#teller = teller;
  }

  /** There is something to tell. */
  get isPending(): boolean {
    return this.received > this.#told;
  }

  /** It should be told now, even if nothing else is to be sent. */
  get isDue(): boolean {
    return this.isPending && (this.#isLate || (this.#bytes >= ACK_BYTES && this.#clock.now() >= this.#dueAt));
  }

  /**
   * What comes fast over a long path is told a few times in a round trip, since each acknowledgement is a packet, and many
   * small ones let the TCP of the other direction leave slow start before it has anything to send. What comes more slowly
   * is told as it comes, and little of it soon.
   */
  get #dueAt(): number {
    if (this.#bytes < ACK_BYTES) return this.#pendingSince + ACK_DELAY;
    const roundTrip = this.#roundTrip.lowest;
    const share = Number.isFinite(roundTrip) ? roundTrip / ACKS_PER_ROUND_TRIP : 0;
    return this.#toldAt + Math.max(ACK_INTERVAL, share * Math.min(1, this.#bytes / FAST_BYTES));
  }

  /** One more frame, of `bytes`, was processed; one that is counted, or a datagram. */
  note(bytes: number, isCounted = true): void {
    if (!this.isPending) this.#pendingSince = this.#clock.now();
    if (isCounted) this.received += 1;
    // It is not in the count, and yet there is something to tell.
    else this.#told = Math.min(this.#told, this.received - 1);
    this.#bytes += bytes;
    if (this.isDue) this.#teller.schedule();
    else this.#timer ??= this.#lookIn(ACK_DELAY);
  }

  /** The count that an ACK, TAKEN or RESUME leaving now has to tell. */
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

  #lookIn(delay: number): Timer {
    return this.#clock.setTimer(() => this.#look(), delay);
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.isPending) return;
    const left = this.#dueAt - this.#clock.now();
    if (left > 0) {
      this.#timer = this.#lookIn(left);
      return;
    }
    this.#isLate = true;
    this.#teller.schedule();
  }
}

/** The one who tells the peer. */
interface Teller {
  /** An acknowledgement should leave now. */
  schedule(): void;
}
