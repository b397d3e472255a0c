import type { Events } from './events.js';

export interface LinkOptions {
  readonly mbit: number;
  /** What may wait, as the time that it takes, ms. */
  readonly queue: number;
  readonly delay: number;
  /** Up to so much more, at random, ms; no packet overtakes another. */
  readonly jitter: number;
  /** How probable it is that a packet is lost. */
  readonly loss: number;
}

/** How long a random delay lasts, ms. */
const JITTER_TIME = 10;
/** Acknowledgements are smaller, and not lost. */
const SMALL = 200;

/** One direction of a path: a rate, a queue that drops what comes when it is full, a delay. */
export class Link {
  readonly #events: Events;
  readonly #options: LinkOptions;
  readonly #rate: number;
  readonly #limit: number;
  #queued = 0;
  #busyUntil = 0;
  #lastArrival = 0;
  #extra = 0;
  #extraUntil = 0;

  constructor(events: Events, options: LinkOptions) {
    this.#events = events;
    this.#options = options;
    this.#rate = options.mbit * 125;
    this.#limit = Math.max(3_000, this.#rate * options.queue);
  }

  send(bytes: number, onArrival: () => void): void {
    const { random } = this.#events;
    if (this.#queued + bytes > this.#limit) return;
    if (this.#options.loss > 0 && bytes > SMALL && random.chance(this.#options.loss)) return;
    this.#queued += bytes;
    this.#busyUntil = Math.max(this.#busyUntil, this.#events.now) + bytes / this.#rate;
    this.#events.at(this.#busyUntil, () => {
      this.#queued -= bytes;
      this.#lastArrival = Math.max(this.#lastArrival, this.#events.now + this.#options.delay + this.#jitter());
      this.#events.at(this.#lastArrival, onArrival);
    });
  }

  #jitter(): number {
    if (this.#events.now >= this.#extraUntil) {
      this.#extra = this.#options.jitter * this.#events.random.next();
      this.#extraUntil = this.#events.now + JITTER_TIME;
    }
    return this.#extra;
  }
}
