import type { Events } from './events.js';
import type { Link } from './link.js';

const SEGMENT = 1_448;
const HEADER = 52;
const INITIAL_WINDOW = 10 * SEGMENT;
const DELAYED_ACK = 25;
const MIN_TIMEOUT = 250;
/** CUBIC (RFC 9438). */
const BETA = 0.7;
const C = 0.4;

interface Segment {
  readonly from: number;
  readonly length: number;
  transmission: number;
  sentAt: number;
  isOut: boolean;
  isAcknowledged: boolean;
  hasArrived: boolean;
}

/** One direction of a TCP connection: CUBIC, HyStart's delay, selective acknowledgements, a time-out. */
export class Tcp {
  onSpace = (): void => {};
  readonly #events: Events;
  readonly #there: Link;
  readonly #back: Link;
  readonly #onBytes: (bytes: number) => void;
  #written = 0;
  #next = 0;
  #acknowledged = 0;
  #inFlight = 0;
  #window = INITIAL_WINDOW;
  #threshold = Number.POSITIVE_INFINITY;
  #segments: Segment[] = [];
  #lost: Segment[] = [];
  #transmissions = 0;
  #newest = -1;
  #recoverUntil = -1;

  #shortest = Number.POSITIVE_INFINITY;
  #smoothed = 0;
  #roundEnd = 0;
  #roundShortest = Number.POSITIVE_INFINITY;
  #most = 0;
  #epoch: { at: number; from: number; delay: number; friendly: number } | undefined;
  #lastProgress = 0;
  #isTimed = false;

  readonly #arrived = new Map<number, number>();
  #expected = 0;
  #toAcknowledge: [Segment, number][] = [];
  /** What is told again in each acknowledgement: any one of them may be dropped. */
  #told: [Segment, number][] = [];
  #isDelayed = false;

  constructor(events: Events, there: Link, back: Link, onBytes: (bytes: number) => void) {
    this.#events = events;
    this.#there = there;
    this.#back = back;
    this.#onBytes = onBytes;
  }

  /** Bytes that were written and not acknowledged. */
  get unacknowledged(): number {
    return this.#written - this.#acknowledged;
  }

  /** What the system does not take: its buffer grows with the window. */
  get backlog(): number {
    return Math.max(0, this.unacknowledged - Math.min(4_194_304, Math.max(87_380, 2 * this.#window)));
  }

  write(bytes: number): void {
    this.#written += bytes;
    this.#send();
  }

  #send(): void {
    while (this.#inFlight + SEGMENT <= this.#window || this.#inFlight === 0) {
      const segment = this.#lost.shift() ?? this.#cut();
      if (segment === undefined) return;
      if (!segment.isAcknowledged) this.#transmit(segment);
    }
  }

  #cut(): Segment | undefined {
    const length = Math.min(SEGMENT, this.#written - this.#next);
    if (length <= 0) return undefined;
    const state = { transmission: 0, sentAt: 0, isOut: false, isAcknowledged: false, hasArrived: false };
    const segment = { from: this.#next, length, ...state };
    this.#next += length;
    this.#segments.push(segment);
    return segment;
  }

  #transmit(segment: Segment): void {
    const transmission = this.#transmissions++;
    segment.transmission = transmission;
    segment.sentAt = this.#events.now;
    segment.isOut = true;
    this.#inFlight += segment.length;
    this.#there.send(segment.length + HEADER, () => this.#receive(segment, transmission));
    if (!this.#isTimed) this.#startTimer();
  }

  #startTimer(): void {
    this.#isTimed = true;
    const limit = Math.max(MIN_TIMEOUT, 2.5 * (this.#smoothed || 400));
    this.#events.after(limit, () => {
      this.#isTimed = false;
      if (this.#inFlight === 0 && this.#lost.length === 0) return;
      if (this.#events.now - this.#lastProgress >= 0.95 * limit) this.#timeOut();
      this.#startTimer();
    });
  }

  #timeOut(): void {
    this.#lastProgress = this.#events.now;
    for (const segment of this.#segments) if (segment.isOut && !segment.isAcknowledged) this.#lose(segment);
    this.#threshold = Math.max(2 * SEGMENT, this.#window / 2);
    this.#window = 2 * SEGMENT;
    this.#send();
  }

  #lose(segment: Segment): void {
    segment.isOut = false;
    this.#inFlight -= segment.length;
    this.#lost.push(segment);
  }

  #receive(segment: Segment, transmission: number): void {
    if (!segment.hasArrived) {
      segment.hasArrived = true;
      this.#arrived.set(segment.from, segment.length);
      let bytes = 0;
      for (let length = this.#arrived.get(this.#expected); length !== undefined; ) {
        this.#arrived.delete(this.#expected);
        this.#expected += length;
        bytes += length;
        length = this.#arrived.get(this.#expected);
      }
      if (bytes > 0) this.#onBytes(bytes);
    }
    this.#toAcknowledge.push([segment, transmission]);
    if (this.#toAcknowledge.length >= 2 || this.#arrived.size > 0) this.#acknowledge();
    else if (!this.#isDelayed) {
      this.#isDelayed = true;
      this.#events.after(DELAYED_ACK, () => {
        this.#isDelayed = false;
        this.#acknowledge();
      });
    }
  }

  #acknowledge(): void {
    if (this.#toAcknowledge.length === 0) return;
    const told = [...this.#told.slice(-40), ...this.#toAcknowledge];
    this.#told = told;
    this.#toAcknowledge = [];
    this.#back.send(HEADER + 14, () => this.#onAcknowledged(told));
  }

  #onAcknowledged(told: readonly [Segment, number][]): void {
    const { now } = this.#events;
    this.#lastProgress = now;
    let bytes = 0;
    let sample: number | undefined;
    for (const [segment, transmission] of told) {
      if (segment.isAcknowledged) continue;
      segment.isAcknowledged = true;
      if (segment.isOut) this.#inFlight -= segment.length;
      segment.isOut = false;
      bytes += segment.length;
      this.#newest = Math.max(this.#newest, transmission);
      if (segment.transmission === transmission) sample = now - segment.sentAt;
    }
    if (sample !== undefined) this.#measure(sample);
    this.#forget();
    if (this.#detectLoss()) this.#shrink();
    else if (bytes > 0 && this.#inFlight + bytes >= this.#window - 3 * SEGMENT) this.#grow(bytes);
    if (this.#acknowledged >= this.#roundEnd) this.#endRound();
    this.#send();
    this.onSpace();
  }

  #measure(sample: number): void {
    this.#shortest = Math.min(this.#shortest, sample);
    this.#roundShortest = Math.min(this.#roundShortest, sample);
    this.#smoothed = this.#smoothed === 0 ? sample : 0.875 * this.#smoothed + 0.125 * sample;
  }

  #forget(): void {
    let count = 0;
    for (const segment of this.#segments) {
      if (!segment.isAcknowledged) break;
      this.#acknowledged = segment.from + segment.length;
      count += 1;
    }
    if (count > 0) this.#segments.splice(0, count);
  }

  /** Three that were sent later have arrived. True when that is news to the window. */
  #detectLoss(): boolean {
    let isNews = false;
    for (const segment of this.#segments) {
      if (segment.isAcknowledged) continue;
      if (segment.isOut && segment.transmission + 3 <= this.#newest) {
        this.#lose(segment);
        if (segment.transmission > this.#recoverUntil) isNews = true;
      } else if (segment.transmission > this.#newest) break;
    }
    return isNews;
  }

  #shrink(): void {
    this.#recoverUntil = this.#transmissions;
    this.#most = this.#window;
    this.#window = Math.max(2 * SEGMENT, this.#window * BETA);
    this.#threshold = this.#window;
    this.#epoch = undefined;
  }

  #grow(bytes: number): void {
    if (this.#window < this.#threshold) {
      this.#window += bytes;
      return;
    }
    const { now } = this.#events;
    if (this.#epoch === undefined) {
      this.#most = Math.max(this.#most, this.#window);
      const delay = 1_000 * Math.cbrt((this.#most - this.#window) / SEGMENT / C);
      this.#epoch = { at: now, from: this.#window, delay, friendly: this.#window };
    }
    const seconds = (now - this.#epoch.at + this.#smoothed - this.#epoch.delay) / 1_000;
    this.#epoch.friendly += (0.53 * SEGMENT * bytes) / this.#window;
    const target = Math.max(this.#most + C * seconds ** 3 * SEGMENT, this.#epoch.friendly);
    if (target > this.#window) this.#window += Math.min(bytes, ((target - this.#window) * bytes) / this.#window);
  }

  /** HyStart (RFC 9406): round trips that grow end slow start. */
  #endRound(): void {
    const limit = this.#shortest + Math.min(16, Math.max(4, this.#shortest / 8));
    const isLong = this.#roundShortest > limit && this.#window > 16 * SEGMENT;
    if (this.#window < this.#threshold && isLong) this.#threshold = this.#window;
    this.#roundEnd = this.#next;
    this.#roundShortest = Number.POSITIVE_INFINITY;
  }
}
