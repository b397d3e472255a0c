import type { Clock, Timer } from 'wsproxy-engine';

/**
 * What destinations have not taken of what one client has sent: its window is of packets, which may be large. When all of it together
 * is too much, nothing more is read of the client until less waits. Where nothing moves, the stream for which most waits is given up,
 * so that destinations that do not read stop no other stream for long.
 */
export class Backlogs {
  readonly #options: BacklogsOptions;
  readonly #backlogged = new Set<Backlogged>();
  /** No less than what waits. */
  #most = 0;
  #isPaused = false;
  #timer: Timer | undefined;
  /** What waited when it was looked at last, and since when it was no less. */
  #seen = 0;
  #stuckSince = 0;

  constructor(options: BacklogsOptions) {
    this.#options = options;
  }

  /** `bytes` more wait for it. */
  grow(one: Backlogged, bytes: number): void {
    if (this.#backlogged.has(one)) this.#most += bytes;
    else this.#most += one.waiting;
    this.#backlogged.add(one);
    if (this.#isPaused || this.#most <= MOST_WAITING) return;
    this.#most = this.#count();
    if (this.#most > MOST_WAITING) this.#pause();
  }

  /** Little waits for it, or nothing any more. */
  end(one: Backlogged): void {
    this.#backlogged.delete(one);
    if (this.#backlogged.size === 0) this.#most = 0;
    if (this.#isPaused) this.#resumeIfLess();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #count(): number {
    let sum = 0;
    for (const one of this.#backlogged) sum += one.waiting;
    return sum;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#seen = this.#most;
    this.#stuckSince = this.#options.clock.now();
    this.#options.onPause();
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => this.#look(), INTERVAL);
  }

  #look(): void {
    if (this.#resumeIfLess()) return;
    const { clock } = this.#options;
    if (this.#most < this.#seen) this.#stuckSince = clock.now();
    else if (clock.now() - this.#stuckSince >= PATIENCE) this.#giveOneUp();
    this.#seen = this.#most;
    if (this.#isPaused) this.#lookLater();
  }

  #giveOneUp(): void {
    let largest: Backlogged | undefined;
    for (const one of this.#backlogged) if (one.waiting > (largest?.waiting ?? 0)) largest = one;
    largest?.giveUp();
    this.#resumeIfLess();
  }

  #resumeIfLess(): boolean {
    if (!this.#isPaused) return true;
    this.#most = this.#count();
    if (this.#most > MOST_WAITING / 2) return false;
    this.#isPaused = false;
    this.#timer?.cancel();
    this.#options.onResume();
    return true;
  }
}

/** A stream with more to send than its channel takes at once. */
export interface Backlogged {
  /** Bytes that have not left for the destination. */
  readonly waiting: number;
  giveUp(): void;
}

export interface BacklogsOptions {
  readonly clock: Clock;
  readonly onPause: () => void;
  readonly onResume: () => void;
}

/** Of one client, bytes. */
export const MOST_WAITING = 16_777_216;
/** Between two looks whether less waits, ms. */
const INTERVAL = 500;
/** So long may nothing move, ms. */
export const PATIENCE = 10_000;
