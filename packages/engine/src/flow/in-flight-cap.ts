import { FAST_BYTES } from '../constants.js';
import { Ramp } from './ramp.js';
import { RecentMax } from './recent-max.js';
import type { RoundTrip } from './round-trip.js';
import { Swing } from './swing.js';

/** In flight before anything is known of the path, bytes: less would slow down a page of small objects. */
const INITIAL_CAP = 65_536;
/**
 * While the rate still grows, the cap must not be what limits it: a TCP in slow start doubles each round trip. Twice what a
 * path carries would fill a queue of one round trip to the brim: the last step is a smaller one (`ramp.ts`).
 */
const STARTUP_GAIN = 1.7;
/** How far the rate may be behind what arrives, in slow start. */
const MAX_LAG = 2;
/**
 * Growth by less than this in a round does not count. After so many such rounds the pipe is full, after one if all that
 * was acknowledged in it had taken so much longer than the path is long: a queue stands.
 */
const GROWTH = 1.25;
const FULL_ROUNDS = 3;
const QUEUED = 1.35;
/** A source that pauses with so much of the cap in use is not what limits the rate. */
const NEARLY_FULL = 0.75;
/** Rounds for which the highest rate counts. */
const RATE_ROUNDS = 10;
/** On shorter paths the event loops of both ends are the round trip: allow for what the path carries in this time, ms. */
const MIN_ROUND_TRIP = 12;
/** But for no more than this, bytes: what is in flight lies in memory, and the less of it goes round, the nearer it stays. */
const SHORT_PIPE = 4_194_304;

/** A point in what was sent, and how things stood then. */
interface Mark {
  readonly sent: number;
  readonly at: number;
  /** When what had just been acknowledged then was sent. */
  readonly previousAt: number;
  readonly delivered: number;
  readonly deliveredAt: number;
}

/**
 * How much may be in flight on one transport: a little more than the path holds. Without a cap Node and the kernel take
 * megabytes before they show any resistance, and every keystroke, PING and WINDOW waits behind them.
 *
 * It begins with what the path carries in a round trip (the highest rate at which acknowledgements arrived in the last ten
 * rounds, as in BBR; Cardwell et al., 2016) and grows with it until the rate does not answer any more. From then on it
 * swings about what fills the path (`swing.ts`). TCP below keeps its own control. Times in ms, rates in bytes per ms.
 */
export class InFlightCap {
  #sent = 0;
  #delivered = 0;
  #deliveredAt = 0;
  #deliveredSentAt = 0;
  /** The source had no more at this point. */
  #emptyAt = 0;
  /** Up to this point it left the pipe empty in part: what the path could have carried does not show. */
  #sourceLimitedUntil = 0;
  /** Where acknowledgements are rare, so much of what seems to be in flight has arrived, on average. */
  #untold = 0;
  readonly #marks: Mark[] = [];
  readonly #rate = new RecentMax(RATE_ROUNDS);
  readonly #roundTrip: RoundTrip;

  #roundEnd = 0;
  #roundLowest = Number.POSITIVE_INFINITY;
  #roundSum = 0;
  #roundSamples = 0;
  /** The mean round trip of the last round, and the lowest such mean of the start. */
  #roundMean = 0;
  #length = Number.POSITIVE_INFINITY;

  #fullRate = 0;
  #roundsWithoutGrowth = 0;
  /** Of the start. */
  readonly #ramp = new Ramp();
  /** Once the start is over. */
  #swing: Swing | undefined;

  /** `roundTrip` hears how long acknowledgements take; what others tell it of the same path counts as well. */
  constructor(roundTrip: RoundTrip) {
    this.#roundTrip = roundTrip;
  }

  /** Bytes that were sent and not acknowledged. */
  get inFlight(): number {
    return this.#sent - this.#delivered;
  }

  /** Highest recent rate, bytes per ms; 0 while unknown. */
  get rate(): number {
    return this.#rate.value;
  }

  /** Bytes that may be in flight now. */
  get cap(): number {
    const { rate } = this;
    const least = Math.min(rate * MIN_ROUND_TRIP, SHORT_PIPE);
    if (this.#swing !== undefined) return Math.max(this.#swing.cap + this.#untold, least);
    return rate === 0 ? INITIAL_CAP : Math.max(INITIAL_CAP, STARTUP_GAIN * least, this.#startRate * this.#length);
  }

  /** What the path will carry next, if the rate grows on. */
  get #startRate(): number {
    // Acknowledgements that waited for a lost packet arrive all at once.
    const arriving = Math.min(this.#ramp.rate, MAX_LAG * this.rate);
    return Math.max(STARTUP_GAIN * this.rate, Math.max(STARTUP_GAIN, this.#ramp.growth) * arriving);
  }

  /** `bytes` were handed to the transport. */
  onSent(bytes: number, now: number): void {
    // After a pause the clock of the rate starts anew: the pause says nothing about the path.
    if (this.inFlight === 0) {
      this.#deliveredAt = now;
      this.#deliveredSentAt = now;
      this.#ramp.restart(this.#delivered, now);
    }
    this.#sent += bytes;
    this.#marks.push({
      sent: this.#sent,
      at: now,
      previousAt: this.#deliveredSentAt,
      delivered: this.#delivered,
      deliveredAt: this.#deliveredAt,
    });
  }

  /** The `bytes` that are sent next are all there is at the moment, though there would be room for more. */
  onSourceEmpty(bytes: number): void {
    this.#emptyAt = this.#sent + bytes;
  }

  /** `bytes` were acknowledged. */
  onDelivered(bytes: number, now: number): void {
    const inFlight = this.inFlight;
    // Judged by what it has made of the room since the last one: where much is acknowledged at once, it gives the next in pieces.
    if (this.#emptyAt === this.#sent && inFlight < this.cap * NEARLY_FULL) this.#sourceLimitedUntil = this.#sent;
    this.#untold = bytes < FAST_BYTES ? 0 : bytes / 2;
    this.#delivered += bytes;
    this.#deliveredAt = now;
    let mark: Mark | undefined;
    while ((this.#marks[0]?.sent ?? Number.POSITIVE_INFINITY) <= this.#delivered) mark = this.#marks.shift();
    if (mark === undefined) return;
    this.#deliveredSentAt = mark.at;
    const roundTrip = now - mark.at;
    this.#roundLowest = Math.min(this.#roundLowest, roundTrip);
    this.#roundSum += roundTrip;
    this.#roundSamples += 1;
    if (!Number.isFinite(this.#length)) this.#length = roundTrip;
    this.#roundTrip.note(roundTrip, now);
    if (this.#swing === undefined) this.#noteRamp(now);
    this.#swing?.onDelivered(bytes, roundTrip, inFlight);
    const isSourceLimited = mark.delivered < this.#sourceLimitedUntil;
    this.#noteRate(mark, isSourceLimited, now);
    if (mark.sent > this.#roundEnd) this.#endRound(isSourceLimited, now);
  }

  /** `bytes` came in the other way: what acknowledges ours shares the path with them. */
  onReceived(bytes: number): void {
    this.#swing?.onReceived(bytes);
  }

  #noteRamp(now: number): void {
    this.#ramp.note(this.#delivered, now, Math.max(this.#length, MIN_ROUND_TRIP));
    if (this.inFlight === 0) this.#ramp.rest();
  }

  #noteRate(mark: Mark, isSourceLimited: boolean, now: number): void {
    // Over a whole round trip at least: acknowledgements that were held up on their way arrive all at once.
    const least = this.#swing === undefined ? this.#roundTrip.lowest : this.#roundMean;
    const elapsed = Math.max(now - mark.deliveredAt, mark.at - mark.previousAt, least);
    const rate = elapsed > 0 ? (this.#delivered - mark.delivered) / elapsed : 0;
    if (!isSourceLimited || rate > this.rate) this.#rate.add(rate);
  }

  /** A round trip is over when something is acknowledged that was sent after the last one was. */
  #endRound(isSourceLimited: boolean, now: number): void {
    this.#roundEnd = this.#sent;
    this.#roundMean = this.#roundSum / this.#roundSamples;
    this.#roundSum = 0;
    this.#roundSamples = 0;
    if (!isSourceLimited) this.#rate.nextRound();
    if (this.#swing === undefined) this.#endStartRound(isSourceLimited, now);
    else this.#swing.endRound(now, this.#roundTrip.lowest, isSourceLimited);
    this.#roundLowest = Number.POSITIVE_INFINITY;
  }

  #endStartRound(isSourceLimited: boolean, now: number): void {
    this.#length = Math.min(this.#length, this.#roundMean);
    const rate = this.rate;
    if (rate >= this.#fullRate * GROWTH) {
      this.#fullRate = rate;
      this.#roundsWithoutGrowth = 0;
    } else if (!isSourceLimited) {
      this.#roundsWithoutGrowth += this.#roundLowest > this.#length * QUEUED ? FULL_ROUNDS : 1;
    }
    if (this.#roundsWithoutGrowth < FULL_ROUNDS) return;
    this.#swing = new Swing(rate * this.#length, now);
    this.#ramp.rest();
  }
}
