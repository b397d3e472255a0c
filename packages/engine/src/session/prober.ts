import type { Clock } from '../clock.js';
import { ROUND_TRIP_INTERVAL } from '../constants.js';
import { RoundTrip } from '../flow/round-trip.js';
import { FrameType } from '../frame/frame.js';
import { encodeCount, readCount } from '../frame/payload.js';
import type { Outbox } from './outbox.js';

/** PING carries our time, so that PONG tells the round trip: in microseconds, a millisecond is too coarse nearby. */
const MICROSECONDS = 1_000;

/** Asks the peer for signs of life, and measures how long they take. Times in ms. */
export class Prober {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #roundTrip = new RoundTrip();
  #askedAt = Number.NEGATIVE_INFINITY;
  #dataAt = Number.NEGATIVE_INFINITY;
  #isAwaited = false;

  constructor(clock: Clock, outbox: Outbox) {
    this.#clock = clock;
    this.#outbox = outbox;
  }

  /** A PING on the present transport is unanswered. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** Data came in after the last PING: should it have stopped, nobody knows whether the peer is done or gone. */
  get isDue(): boolean {
    return this.#dataAt > this.#askedAt && this.#clock.now() - this.#askedAt >= ROUND_TRIP_INTERVAL;
  }

  /** Shortest round trip of the last seconds, of PINGs and of acknowledgements; Infinity while unknown. */
  get lowest(): number {
    return Math.min(this.#roundTrip.lowest, this.#outbox.roundTrip);
  }

  /** The last round trip, queues included; 0 while unknown. */
  get latest(): number {
    return this.#roundTrip.latest;
  }

  /** What was asked on the last transport is not answered on the next. */
  restart(): void {
    this.#isAwaited = false;
  }

  ping(): void {
    this.#isAwaited = true;
    this.#askedAt = this.#clock.now();
    this.#outbox.control(FrameType.ping, encodeCount(Math.floor(this.#askedAt * MICROSECONDS)));
  }

  onPong(payload: Uint8Array): void {
    this.#isAwaited = false;
    const now = this.#clock.now();
    const sample = Math.max(0, now - readCount(payload) / MICROSECONDS);
    this.#roundTrip.note(sample, now);
    this.#outbox.noteRoundTrip(sample);
  }

  /** Data came in: windows grow by the round trip, and whoever only receives learns it no other way. */
  onData(): void {
    this.#dataAt = this.#clock.now();
    if (this.#dataAt - this.#askedAt >= ROUND_TRIP_INTERVAL) this.ping();
  }
}
