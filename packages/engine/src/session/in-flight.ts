import {
  FIRST_FRAME_SIZE,
  FRAME_TIME,
  LONE_FRAME_SIZE,
  LONG_FRAME_PART,
  LONG_FRAME_SIZE,
  MIN_FRAME_SIZE,
  SHARED_FRAME_SIZE,
  SHARED_FRAME_TIME,
} from '../constants.js';
import { InFlightCap } from '../flow/in-flight-cap.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { Capability } from '../frame/capabilities.js';
import type { Terms } from './terms.js';

/**
 * What one transport carries and the peer has not acknowledged. Where TAKEN is agreed on, by the bytes of the stream: all of
 * them, so that datagrams and control frames count as well. Else by those of the sequenced frames.
 */
export class InFlight {
  readonly #terms: Terms;
  readonly #cap: InFlightCap;
  /** Where the last frame ends, in the stream, that is to be acknowledged. */
  #owed = 0;

  constructor(terms: Terms, roundTrip: RoundTrip) {
    this.#terms = terms;
    this.#cap = new InFlightCap(roundTrip);
  }

  get bytes(): number {
    return this.#cap.inFlight;
  }

  /** So much more may be sent, bytes. */
  get room(): number {
    return this.#cap.cap - this.#cap.inFlight;
  }

  /** Payload of a channel's frame at most, while it sends alone. */
  get longestFrame(): number {
    const { rate, cap } = this.#cap;
    const most = this.#terms.has(Capability.longData)
      ? Math.max(LONE_FRAME_SIZE, Math.min(LONG_FRAME_SIZE, Math.floor(cap * LONG_FRAME_PART)))
      : LONE_FRAME_SIZE;
    return Math.max(MIN_FRAME_SIZE, Math.min(most, rate * FRAME_TIME || FIRST_FRAME_SIZE));
  }

  /** The same while others send as well, of which the longest are of `longest` bytes. */
  sharedFrame(longest: number): number {
    return Math.min(longest, Math.max(SHARED_FRAME_SIZE, this.#cap.rate * SHARED_FRAME_TIME));
  }

  /**
   * Frames of `bytes` that are to be acknowledged are sent next, as the last ones of what leaves from `start` to `end` of the
   * stream. `isAll`: there would be room for more.
   */
  onSent(bytes: number, [start, end]: readonly [number, number], isAll: boolean, now: number): void {
    // Nobody tells that control frames have arrived: those that went while nothing was in flight say nothing of the path.
    if (this.bytes === 0) this.#owed = start;
    const counted = bytes > 0 && this.#isByStream ? end - this.#owed : bytes;
    if (isAll) this.#cap.onSourceEmpty(counted);
    if (bytes === 0) return;
    this.#owed = end;
    this.#cap.onSent(counted, now);
  }

  /** Sequenced frames of `bytes` were acknowledged. */
  onAcknowledged(bytes: number, now: number): void {
    // TAKEN may have told of the same before.
    const news = Math.min(bytes, this.bytes);
    // An acknowledgement that tells nothing new is no sample of the path.
    if (news > 0) this.#cap.onDelivered(news, now);
  }

  /** The peer has taken `bytes` of the stream; fewer than it has told before tell nothing. */
  onTaken(bytes: number, now: number): void {
    this.onAcknowledged(this.bytes - Math.max(0, this.#owed - bytes), now);
  }

  /** `bytes` came in the other way. */
  onReceived(bytes: number): void {
    this.#cap.onReceived(bytes);
  }

  get #isByStream(): boolean {
    return this.#terms.has(Capability.taken);
  }
}
