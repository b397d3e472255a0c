import type { Clock, ReplayPace, Timer } from 'wsproxy-engine';
import { LONGEST_TIME } from 'wsproxy-node/options';
import type { Turn } from 'wsproxy-node/relay';
import { RateBucket } from './rate-bucket.js';

/** How much may go at once before the rate counts, as time at the full rate, s. */
const BURST = 0.1;
/** The same while somebody waits all the time, and the timer alone is late, s. */
const LATE = 1;
/** What datagrams take of their rate, for each byte: so the rest of it is left for what waits, and while something does half. */
const COST = 1.1;
const COST_BESIDE = 2;
/** One with little in it is a packet all the same: its headers of IP and UDP, bytes. */
const LEAST = 28;
/** A shorter wait is not worth a timer: it is paid with the next one, ms. */
const SHORTEST_WAIT = 5;

/**
 * One direction of one user at one rate: nothing passes while something is owed, and who came first passes first. So the
 * debt is the user's, no matter what number of relays, sessions and new connections the bytes come from.
 */
export class RateTurns implements ReplayPace {
  readonly #clock: Clock;
  readonly #onHeld: (bytes: number) => void;
  readonly #bucket: RateBucket;
  /** Of datagrams alone, from the first one on. */
  #datagrams: RateBucket | undefined;
  /** With the bytes that each of them wants to pass, the first one ahead. */
  readonly #waiting = new Map<Turn, number>();
  #timer: Timer | undefined;

  /** `onHeld` is told of bytes that wait now, and of as many less when they do not any more. */
  constructor(clock: Clock, onHeld: (bytes: number) => void = () => {}) {
    this.#clock = clock;
    this.#onHeld = onHeld;
    this.#bucket = new RateBucket(Number.POSITIVE_INFINITY, 0, clock.now());
  }

  /** Bytes a second; Infinity for none. */
  get rate(): number {
    return this.#bucket.rate;
  }

  /** Bytes a second, undefined for none; also for those that wait. */
  setRate(rate: number | undefined): void {
    const bytes = rate ?? Number.POSITIVE_INFINITY;
    if (bytes === this.rate) return;
    this.#bucket.setRate(bytes, bytes * BURST, this.#clock.now());
    this.#datagrams?.setRate(bytes, bytes * BURST, this.#clock.now());
    this.#arm();
  }

  /** For how long nothing is to pass, ms. */
  get pause(): number {
    return this.#waitFrom(this.#clock.now());
  }

  /** `bytes` have passed without a turn: the next one waits for them. */
  charge(bytes: number): void {
    this.#bucket.spend(bytes, this.#clock.now());
  }

  mayPass(bytes: number): boolean {
    if (this.#waiting.size > 0) return false;
    if (this.rate === Number.POSITIVE_INFINITY) return true;
    const now = this.#clock.now();
    if (this.#waitFrom(now) > 0) return false;
    this.#bucket.spend(bytes, now);
    return true;
  }

  /**
   * Whether a datagram may pass, which cannot wait: if not, it is dropped. It does not stand behind what waits, or a transfer
   * would leave nothing for it; what waits pays for it, so that both together keep to the rate.
   */
  mayPassNow(bytes: number): boolean {
    if (this.rate === Number.POSITIVE_INFINITY) return true;
    const now = this.#clock.now();
    this.#datagrams ??= new RateBucket(this.rate, this.rate * BURST, now);
    const cost = this.#waiting.size > 0 ? COST_BESIDE : COST;
    if (!this.#datagrams.take(Math.ceil(Math.max(bytes, LEAST) * cost), now)) return false;
    this.#bucket.spend(bytes, now);
    return true;
  }

  wait(bytes: number, turn: Turn): void {
    this.#waiting.set(turn, bytes);
    this.#onHeld(bytes);
    if (this.#waiting.size === 1) this.#arm();
  }

  /** It does not wait any more, if it did. */
  leave(turn: Turn): void {
    this.#remove(turn);
    if (this.#waiting.size === 0) this.#timer?.cancel();
  }

  #waitFrom(now: number): number {
    const isAwaited = this.#waiting.size > 0;
    const wait = this.#bucket.waitFor(now, this.rate * (isAwaited ? LATE : BURST));
    return wait < SHORTEST_WAIT ? 0 : Math.min(wait, LONGEST_TIME);
  }

  #remove(turn: Turn): void {
    const bytes = this.#waiting.get(turn);
    if (bytes === undefined) return;
    this.#waiting.delete(turn);
    this.#onHeld(-bytes);
  }

  /** Timers keep whole milliseconds, and what is left of the last one is paid with the next turn. */
  #arm(): void {
    this.#timer?.cancel();
    if (this.#waiting.size === 0) return;
    const delay = Math.max(1, Math.floor(this.#waitFrom(this.#clock.now())));
    this.#timer = this.#clock.setTimer(() => this.#call(), delay);
  }

  #call(): void {
    const now = this.#clock.now();
    // Anyone who had its turn may get in line again behind the others, and is met again while nothing is owed.
    for (const [turn, bytes] of this.#waiting) {
      if (this.#waitFrom(now) > 0) break;
      this.#remove(turn);
      this.#bucket.spend(bytes, now);
      turn.onTurn();
    }
    this.#arm();
  }
}
