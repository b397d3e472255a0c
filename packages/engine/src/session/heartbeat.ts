import type { Clock, Timer } from '../clock.js';
import {
  PROBE_LIMIT,
  SILENCE_HEARTBEATS,
  SILENCE_LIMIT,
  SUSPICION_LIMIT,
  SUSPICION_ROUND_TRIPS,
} from '../constants.js';

/** What the heartbeat watches and does. Times are those of the clock, ms. */
export interface HeartbeatPort {
  /** After so much silence of our own it pings. */
  readonly pingInterval: number;
  lastSent(): number;
  /** When bytes last arrived, or the transport last got rid of some: both prove that the path carries. */
  lastSign(): number;
  /** Something was sent that the peer has to answer. */
  isAwaited(): boolean;
  /** The last round trip, with the queues that stood in its way, ms; 0 while unknown. */
  roundTrip(): number;
  /** There is reason to ask now, before the path has been idle for long. */
  isPingDue(): boolean;
  ping(): void;
  /** The transport may be dead, though it need not be. Told again and again while it stays silent. */
  onSuspicion(): void;
  onSilence(): void;
}

/** A timer this late, or a wall clock this far ahead, ms: the machine slept, and the path may be gone. */
const JUMP = 5_000;

/**
 * Keeps proxies from cutting an idle path, in both directions, and notices a dead one. Any inbound byte is life, so
 * an answer that waits behind a long transfer is never missed; and suspicion is not a verdict.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #port: HeartbeatPort;
  readonly #interval: number;
  readonly #silenceLimit: number;
  #timer: Timer;
  #lastCheck: number;
  #lastWall: number;
  /** Since when an answer is awaited without a sign of life. */
  #awaitedSince: number | undefined;
  /** After a jump of the clock an answer must come soon. */
  #probing = false;

  /** Looks every `interval` ms. */
  constructor(clock: Clock, port: HeartbeatPort, interval: number) {
    this.#clock = clock;
    this.#port = port;
    this.#interval = interval;
    this.#silenceLimit = Math.max(SILENCE_LIMIT, SILENCE_HEARTBEATS * port.pingInterval);
    this.#lastCheck = clock.now();
    this.#lastWall = clock.wallTime();
    this.#timer = this.#next();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #next(): Timer {
    return this.#clock.setTimer(() => this.#check(), this.#interval);
  }

  #check(): void {
    const now = this.#clock.now();
    if (this.#hasJumped(now)) this.#probe(now);
    else if (this.#port.isPingDue() || now - this.#port.lastSent() >= this.#port.pingInterval) this.#port.ping();

    const sign = this.#port.lastSign();
    if (!this.#port.isAwaited()) this.#awaitedSince = undefined;
    else this.#awaitedSince ??= now;
    if (sign >= (this.#awaitedSince ?? 0)) this.#noteLife(now);

    // After a stall of this process the timer runs before the input that was waiting: read that first, then judge.
    if (this.#isSuspicious(now) || now - sign >= this.#silenceLimit) {
      this.#timer = this.#clock.setTimer(() => this.#judge(), 0);
    } else {
      this.#timer = this.#next();
    }
  }

  #judge(): void {
    const now = this.#clock.now();
    this.#timer = this.#next();
    if (now - this.#port.lastSign() >= this.#silenceLimit) return this.#port.onSilence();
    if (!this.#isSuspicious(now)) return;
    this.#awaitedSince = now;
    this.#probing = false;
    this.#port.onSuspicion();
  }

  #noteLife(now: number): void {
    this.#probing = false;
    if (this.#awaitedSince !== undefined) this.#awaitedSince = now;
  }

  #isSuspicious(now: number): boolean {
    if (this.#awaitedSince === undefined) return false;
    const limit = this.#probing ? PROBE_LIMIT : SUSPICION_LIMIT;
    const since = Math.max(this.#awaitedSince, this.#port.lastSign());
    return now - since >= Math.max(limit, SUSPICION_ROUND_TRIPS * this.#port.roundTrip());
  }

  /** On Linux the clock of the timers stands still while the machine sleeps, on macOS it runs on: look at both. */
  #hasJumped(now: number): boolean {
    const wall = this.#clock.wallTime();
    const late = now - this.#lastCheck - this.#interval;
    const ahead = wall - this.#lastWall - (now - this.#lastCheck);
    this.#lastCheck = now;
    this.#lastWall = wall;
    return late > JUMP || ahead > JUMP;
  }

  #probe(now: number): void {
    this.#probing = true;
    this.#awaitedSince = now;
    this.#port.ping();
  }
}
