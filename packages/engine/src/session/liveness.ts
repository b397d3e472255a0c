import {
  PROBE_LIMIT,
  ROUND_TRIP_INTERVAL,
  SILENCE_HEARTBEATS,
  SILENCE_LIMIT,
  SUSPICION_LIMIT,
  SUSPICION_ROUND_TRIPS,
} from '../constants.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { isAnswerTo } from './ping.js';

/**
 * Whether one transport still carries, judged by what is told of it; every time is an argument. Keeps proxies from cutting
 * an idle path, in both directions, and notices a dead one. Any inbound byte is life, so an answer that waits behind a long
 * transfer is never missed; and suspicion is not a verdict (PROTOCOL.md, "Heartbeat"). Times in ms.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #silenceLimit: number;
  #sentAt: number;
  #signAt: number;
  /** Something had to wait for the transport when it was last heard to have taken some. */
  #wasBlocked = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #dataAt = Number.NEGATIVE_INFINITY;
  /** The last PING is unanswered: only that one is waited for. */
  #isAsked = false;
  /** When it was last looked at, by either clock. */
  #lookedAt: number;
  #lookedAtWall: number;
  /** Since when an answer is awaited without a sign of life. */
  #awaitedSince: number | undefined;
  /** After a jump of the clock an answer must come soon. */
  #isProbing = false;
  /** The last look found reason to suspect it: what waits to be read comes before the judgement. */
  #isInDoubt = false;

  constructor(options: LivenessOptions, now: number, wallTime: number) {
    this.#options = options;
    this.#silenceLimit = Math.max(SILENCE_LIMIT, SILENCE_HEARTBEATS * options.pingInterval);
    this.#sentAt = now;
    this.#signAt = now;
    this.#lookedAt = now;
    this.#lookedAtWall = wallTime;
  }

  /** When bytes last arrived, or the transport last got rid of some that had to wait: both prove that the path carries. */
  get lastSign(): number {
    return this.#signAt;
  }

  /** Bytes left. */
  sent(now: number): void {
    this.#sentAt = now;
  }

  /** Bytes arrived. */
  heard(now: number): void {
    this.#signAt = now;
  }

  /** The transport has got rid of some bytes, and `backlog` of them are left. */
  drained(now: number, backlog: number): void {
    // Only what had to wait tells that the path moves: the kernel takes the first bytes on a dead one too.
    if (this.#wasBlocked) this.#signAt = now;
    this.#wasBlocked = backlog > 0;
  }

  /**
   * A frame that counts has arrived; true when PING is to be sent, to measure the round trip. Windows grow by it, and
   * an end that only receives learns it no other way.
   */
  heardData(now: number): boolean {
    this.#dataAt = now;
    return this.mayAsk(now);
  }

  /**
   * Whether PING may be sent only to learn something. While one is out another one would take its place, and on a long
   * path none would ever be answered in time.
   */
  mayAsk(now: number): boolean {
    return !this.#isAsked && now - this.#askedAt >= ROUND_TRIP_INTERVAL;
  }

  /** PING was sent. */
  asked(now: number): void {
    this.#isAsked = true;
    this.#askedAt = now;
  }

  /**
   * PONG has arrived: after how many ms, if it answers the PING that is out. Any other tells nothing: anything that its sender likes
   * could be written in it, as often as it likes.
   */
  answered(payload: Uint8Array, now: number): number | undefined {
    if (!isAnswerTo(payload, this.#askedAt) || !this.#isAsked) return undefined;
    this.#isAsked = false;
    return Math.max(0, now - this.#askedAt);
  }

  /** PING is sent, and must be answered soon. */
  probe(now: number): void {
    this.asked(now);
    this.#isProbing = true;
    this.#awaitedSince = now;
  }

  /** When to look next. */
  nextLook(now: number): number {
    return this.#isInDoubt ? now : now + this.#options.interval;
  }

  /** `wallTime`: the time of day. `isOwed`: the peer has not acknowledged everything that was sent. */
  look(now: number, wallTime: number, isOwed: boolean): Judgement {
    if (this.#isInDoubt) return this.#judge(now);
    const hasJumped = this.#hasJumped(now, wallTime);
    if (hasJumped) this.probe(now);
    const isPingDue = hasJumped || this.#hasUnaskedData(now) || now - this.#sentAt >= this.#options.pingInterval;
    if (isPingDue) this.asked(now);
    this.#await(now, isOwed);
    // After a stall of this process the look runs before the input that was waiting: read that first, then judge.
    this.#isInDoubt = this.#isSuspicious(now) || this.#isSilent(now);
    return isPingDue ? 'ping' : 'fine';
  }

  #judge(now: number): Judgement {
    this.#isInDoubt = false;
    if (this.#isSilent(now)) return 'lost';
    if (!this.#isSuspicious(now)) return 'fine';
    this.#awaitedSince = now;
    this.#isProbing = false;
    return 'suspect';
  }

  /** On Linux the clock of the timers stands still while the machine sleeps, on macOS it runs on: look at both. */
  #hasJumped(now: number, wallTime: number): boolean {
    const passed = now - this.#lookedAt;
    const ahead = wallTime - this.#lookedAtWall - passed;
    const late = passed - this.#options.interval;
    this.#lookedAt = now;
    this.#lookedAtWall = wallTime;
    if (late > STALL) this.#options.roundTrip.stoodStill(now);
    return late > JUMP || ahead > JUMP;
  }

  /** Data came in after the last PING: should it have stopped, nobody knows whether the peer is done or gone. */
  #hasUnaskedData(now: number): boolean {
    return this.#dataAt > this.#askedAt && this.mayAsk(now);
  }

  #await(now: number, isOwed: boolean): void {
    if (!this.#isAsked && !isOwed) this.#awaitedSince = undefined;
    else this.#awaitedSince ??= now;
    if (this.#signAt < (this.#awaitedSince ?? 0)) return;
    this.#isProbing = false;
    if (this.#awaitedSince !== undefined) this.#awaitedSince = now;
  }

  #isSuspicious(now: number): boolean {
    if (this.#awaitedSince === undefined) return false;
    const limit = this.#isProbing ? PROBE_LIMIT : SUSPICION_LIMIT;
    const since = Math.max(this.#awaitedSince, this.#signAt);
    return now - since >= Math.max(limit, SUSPICION_ROUND_TRIPS * this.#options.roundTrip.latest);
  }

  #isSilent(now: number): boolean {
    return now - this.#signAt >= this.#silenceLimit;
  }
}

/** What to do about a transport: nothing, send PING, try another one beside it, let it go. */
export type Judgement = 'fine' | 'ping' | 'suspect' | 'lost';

export interface LivenessOptions {
  /** With the queues that stand in its way. */
  readonly roundTrip: Pick<RoundTrip, 'latest' | 'stoodStill'>;
  /** Between two looks. */
  readonly interval: number;
  /** Silence of our own after which it asks. */
  readonly pingInterval: number;
}

/** A look this late, ms: this process stood still, and an answer that waited for it seems to have been on its way for so long. */
const STALL = 1_000;
/** A look this late, or a wall clock this far ahead, ms: the machine slept, and the path may be gone. */
const JUMP = 5_000;
