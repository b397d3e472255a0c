import type { Clock, Timer } from 'wsproxy-engine';

/**
 * Sees that a session does not outlive the token it came with: once that has expired the client is asked to come back with
 * another, again and again for a minute, in which nothing that runs is cut; then the session is over.
 */
export class ExpiryWatch {
  readonly #clock: Clock;
  readonly #events: ExpiryEvents;
  /** By the time of day. */
  #expires: number | undefined;
  /** When the session is over, by the clock. */
  #end: number | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, events: ExpiryEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** From now on this is when the token expires; undefined for never. */
  watch(expires: Date | undefined): void {
    if (expires?.getTime() === this.#expires) return;
    this.stop();
    this.#expires = expires?.getTime();
    this.#end = undefined;
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    if (this.#expires === undefined) return;
    const left = this.#expires - this.#clock.wallTime();
    if (left > 0) return this.#lookIn(Math.min(left, LONGEST_PAUSE));
    const now = this.#clock.now();
    const isNews = this.#end === undefined;
    const end = this.#end ?? now + EXPIRY_GRACE;
    this.#end = end;
    if (now >= end) return this.#events.onOver();
    // After 2, 6, 14 and 30 s.
    const since = now + EXPIRY_GRACE - end;
    this.#lookIn(Math.min(end - now, since + ASK_AGAIN));
    this.#events.onExpired(isNews);
  }

  #lookIn(pause: number): void {
    this.#timer = this.#clock.setTimer(() => this.#look(), Math.max(1, pause));
  }
}

export interface ExpiryEvents {
  /** The client should come back with another token; `isNews` the first time. */
  onExpired(isNews: boolean): void;
  /** It has not. */
  onOver(): void;
}

/** How long a client has to come back with another token, ms. */
const EXPIRY_GRACE = 60_000;
/** For a client that could not come back yet, or has not heard of it, ms; the pauses double. */
const ASK_AGAIN = 2_000;
/** Between two looks at the time of day, which somebody may set, ms. */
const LONGEST_PAUSE = 60_000;
