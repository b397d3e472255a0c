import { RecentMax } from './recent-max.js';

/** In flight before anything is known of the path, bytes: less would slow down a page of small objects. */
const INITIAL_CAP = 65_536;
/** Never less, bytes: a few frames must be under way for acknowledgements to come at all. */
const MIN_CAP = 16_384;
/** While the rate still grows, the cap must not be what limits it: a TCP in slow start doubles each round trip. */
const STARTUP_GAIN = 1.7;
/** More than 1, so that a rate that could grow does; what is above 1 stands in a queue before every keystroke. */
const STEADY_GAIN = 1.2;
/** For a few round trips now and then, so that the queue drains and the true round trip shows. */
const PROBE_GAIN = 0.75;
const PROBE_ROUNDS = 2;
/**
 * Growth by less than this in a round does not count. After so many such rounds the pipe is full, after one if all that
 * was acknowledged in it had taken so much longer than the shortest round trip: a queue stands.
 */
const GROWTH = 1.25;
const FULL_ROUNDS = 3;
const QUEUED = 1.35;
/** A source that pauses with so much of the cap in use is not what limits the rate. */
const NEARLY_FULL = 0.75;
/** Rounds for which the highest rate counts. */
const RATE_ROUNDS = 10;
/** How long the lowest round trip counts, ms. */
const ROUND_TRIP_LIFE = 10_000;
/** On shorter paths the event loops of both ends are the round trip: allow for this much, ms. */
const MIN_ROUND_TRIP = 10;

/** A point in what was sent, and how things stood then. */
interface Mark {
  readonly sent: number;
  readonly at: number;
  /** When what had just been acknowledged then was sent. */
  readonly previousAt: number;
  readonly delivered: number;
  readonly deliveredAt: number;
  /** The source had no more to give: what the path could have carried does not show. */
  readonly isSourceLimited: boolean;
}

/**
 * How much may be in flight on one transport: a little more than the path holds. Without a cap Node and the kernel take
 * megabytes before they show any resistance, and every keystroke, PING and WINDOW waits behind them.
 *
 * The path's rate is the highest at which acknowledgements arrived in the last ten round trips, its length the lowest
 * round trip of ten seconds; the product is what it holds. The same observations as in BBR (Cardwell et al., 2016), but
 * only to bound what is handed to TCP, which keeps its own control. Times in ms, rates in bytes per ms.
 */
export class InFlightCap {
  #sent = 0;
  #delivered = 0;
  #deliveredAt = 0;
  #deliveredSentAt = 0;
  /** What was sent before this point was sent by a source that had no more. */
  #sourceLimitedUntil = 0;
  readonly #marks: Mark[] = [];
  readonly #rate = new RecentMax(RATE_ROUNDS);
  #roundEnd = 0;
  #roundLowest = Number.POSITIVE_INFINITY;

  #roundTrip = Number.POSITIVE_INFINITY;
  #roundTripAt = 0;
  /** While probing: rounds to go (the first drains the queue, the second measures), and the lowest of the last. */
  #probe: { roundsLeft: number; lowest: number } | undefined;

  #fullRate = 0;
  #roundsWithoutGrowth = 0;

  /** Bytes that were sent and not acknowledged. */
  get inFlight(): number {
    return this.#sent - this.#delivered;
  }

  /** Highest recent rate, bytes per ms; 0 while unknown. */
  get rate(): number {
    return this.#rate.value;
  }

  /** Lowest recent round trip, ms; Infinity while unknown. */
  get roundTrip(): number {
    return this.#roundTrip;
  }

  /** Bytes that may be in flight now. */
  get cap(): number {
    const pipe = this.rate * Math.max(this.#roundTrip, MIN_ROUND_TRIP);
    if (!this.#isFull) return Math.max(INITIAL_CAP, Number.isFinite(pipe) ? STARTUP_GAIN * pipe : 0);
    return Math.max(MIN_CAP, (this.#probe === undefined ? STEADY_GAIN : PROBE_GAIN) * pipe);
  }

  get #isFull(): boolean {
    return this.#roundsWithoutGrowth >= FULL_ROUNDS;
  }

  /** `bytes` were handed to the transport. */
  onSent(bytes: number, now: number): void {
    // After a pause the clock of the rate starts anew: the pause says nothing about the path.
    if (this.inFlight === 0) {
      this.#deliveredAt = now;
      this.#deliveredSentAt = now;
    }
    this.#sent += bytes;
    this.#marks.push({
      sent: this.#sent,
      at: now,
      previousAt: this.#deliveredSentAt,
      delivered: this.#delivered,
      deliveredAt: this.#deliveredAt,
      isSourceLimited: this.#delivered < this.#sourceLimitedUntil,
    });
  }

  /** The `bytes` that are sent next are all there is at the moment, though there would be room for more. */
  onSourceEmpty(bytes: number): void {
    if (this.inFlight + bytes < this.cap * NEARLY_FULL) this.#sourceLimitedUntil = this.#sent + bytes;
  }

  /** `bytes` were acknowledged. */
  onDelivered(bytes: number, now: number): void {
    this.#delivered += bytes;
    this.#deliveredAt = now;
    let mark: Mark | undefined;
    while ((this.#marks[0]?.sent ?? Number.POSITIVE_INFINITY) <= this.#delivered) mark = this.#marks.shift();
    if (mark === undefined) return;
    this.#deliveredSentAt = mark.at;
    this.#roundLowest = Math.min(this.#roundLowest, now - mark.at);
    this.noteRoundTrip(now - mark.at, now);
    this.#noteRate(mark, now);
    if (mark.sent <= this.#roundEnd) return;
    this.#endRound(mark.isSourceLimited);
    this.#endProbeRound(now);
  }

  #noteRate(mark: Mark, now: number): void {
    // What waited for a lost packet is acknowledged at once when that comes: the time it took to send counts too.
    const elapsed = Math.max(now - mark.deliveredAt, mark.at - mark.previousAt, this.#roundTrip);
    const rate = elapsed > 0 ? (this.#delivered - mark.delivered) / elapsed : 0;
    if (!mark.isSourceLimited || rate > this.rate) this.#rate.add(rate);
  }

  /** Something came back after `sample` ms: an acknowledgement, or a PONG. */
  noteRoundTrip(sample: number, now: number): void {
    if (this.#probe !== undefined) this.#probe.lowest = Math.min(this.#probe.lowest, sample);
    if (sample <= this.#roundTrip) {
      this.#roundTrip = sample;
      this.#roundTripAt = now;
    } else if (this.#probe === undefined && now - this.#roundTripAt > ROUND_TRIP_LIFE) {
      this.#probe = { roundsLeft: PROBE_ROUNDS, lowest: sample };
      this.#roundEnd = this.#sent;
    }
  }

  #endProbeRound(now: number): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    probe.roundsLeft -= 1;
    if (probe.roundsLeft > 0) return;
    this.#roundTrip = probe.lowest;
    this.#roundTripAt = now;
    this.#probe = undefined;
  }

  /** A round trip is over when something is acknowledged that was sent after the last one was. */
  #endRound(isSourceLimited: boolean): void {
    this.#roundEnd = this.#sent;
    const isQueued = this.#roundLowest > this.#roundTrip * QUEUED;
    this.#roundLowest = Number.POSITIVE_INFINITY;
    const rate = this.rate;
    if (rate >= this.#fullRate * GROWTH) {
      this.#fullRate = rate;
      this.#roundsWithoutGrowth = 0;
    } else if (!isSourceLimited) {
      this.#roundsWithoutGrowth += isQueued ? FULL_ROUNDS : 1;
      // A path that has become slower may become faster again: growth counts from what it carries now.
      if (this.#isFull) this.#fullRate = Math.min(this.#fullRate, rate);
    }
    if (!isSourceLimited) this.#rate.nextRound();
  }
}
