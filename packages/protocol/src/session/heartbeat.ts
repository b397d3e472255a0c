import type { Clock, Timer } from '../clock.js';
import { PING_INTERVAL, SILENCE_LIMIT } from '../constants.js';

/** What the heartbeat watches and does. Times are those of the clock, ms. */
export interface HeartbeatPort {
  lastSent(): number;
  lastReceived(): number;
  ping(): void;
  onSilence(): void;
}

/**
 * Keeps proxies from cutting an idle path, in both directions, and notices a dead one. Any inbound byte is life, so
 * an answer that waits behind a long transfer is never missed.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #port: HeartbeatPort;
  #timer: Timer;

  constructor(clock: Clock, port: HeartbeatPort) {
    this.#clock = clock;
    this.#port = port;
    this.#timer = this.#next(PING_INTERVAL);
  }

  stop(): void {
    this.#timer.cancel();
  }

  #next(delay: number): Timer {
    return this.#clock.setTimer(() => this.#check(), delay);
  }

  #check(): void {
    const now = this.#clock.now();
    const silent = now - this.#port.lastReceived();
    if (silent >= SILENCE_LIMIT) {
      // After a stall of this process the timer runs before the input that was waiting: read that first, then judge.
      this.#timer = this.#clock.setTimer(() => this.#judge(), 0);
      return;
    }
    const quiet = now - this.#port.lastSent();
    if (quiet >= PING_INTERVAL) this.#port.ping();
    const untilPing = quiet >= PING_INTERVAL ? PING_INTERVAL : PING_INTERVAL - quiet;
    this.#timer = this.#next(Math.min(untilPing, SILENCE_LIMIT - silent));
  }

  #judge(): void {
    if (this.#clock.now() - this.#port.lastReceived() >= SILENCE_LIMIT) this.#port.onSilence();
    else this.#check();
  }
}
