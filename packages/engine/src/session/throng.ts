import { QUANTUM } from '../constants.js';

/**
 * Tells whether small messages of several channels follow each other so closely that the next one had better wait for what
 * the rest of the turn brings: each message is a system call here and a wake-up there. A channel that is alone, or overlaps
 * with the one before it, would pay for the wait and gain nothing; and what is large is best sent while the processor still
 * has it at hand.
 */
export class Throng {
  #weight = 0;
  #last = 0;
  #lastButOne = 0;
  /** Channels in the next message that are neither of these. */
  #others = 0;
  /** When the last message was sent, by the clock. */
  #sentAt = Number.NEGATIVE_INFINITY;

  get isDense(): boolean {
    return this.#weight >= DENSE;
  }

  /** A frame of `channel` is in the next message. */
  note(channel: number): void {
    if (channel === this.#last) return;
    if (channel !== this.#lastButOne) this.#others += 1;
    this.#lastButOne = this.#last;
    this.#last = channel;
  }

  /** The next message, of `bytes`, is sent: `now` by the clock. */
  sent(bytes: number, now: number): void {
    const others = this.#others;
    const isThrong = others > 1 || (others > 0 && now - this.#sentAt < CLOSE);
    this.#others = 0;
    this.#sentAt = now;
    if (bytes > QUANTUM) this.#weight = 0;
    else this.#weight = isThrong ? Math.min(this.#weight + others, DENSE) : Math.max(this.#weight - 1, 0);
  }
}

/** So many channels beyond two in a row, ms between their messages. */
const DENSE = 2;
const CLOSE = 1;
