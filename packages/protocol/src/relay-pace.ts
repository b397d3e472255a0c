import type { RelaySocket } from './reset-socket.js';
import { type Unread, unwatch, watchForReset } from './reset-watch.js';

/**
 * Told how many bytes a relay has just carried; says for how long it is to take no more in that direction, ms, mostly
 * 0. What is held back meanwhile is bounded by the windows: nothing else waits for it.
 */
export interface RelayPace {
  /** From the channel to the socket: their credit goes back later, so that the peer sends later. */
  toSocket(bytes: number): number;
  /** From the socket to the channel: the socket is read later. */
  fromSocket(bytes: number): number;
}

/** Reads a socket while neither the channel nor the pace wants a pause. `onDead` is told of a reset while it is not read. */
export class PacedSource implements Unread {
  readonly socket: RelaySocket;
  readonly onDead: () => void;
  #isBlocked = false;
  #hasEnded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: RelaySocket, onDead: () => void) {
    this.socket = socket;
    this.onDead = onDead;
  }

  /** Until `unblock`. */
  block(): void {
    this.#isBlocked = true;
    this.#pause();
  }

  /** There is nothing more to read. */
  end(): void {
    this.#hasEnded = true;
    watchForReset(this);
  }

  unblock(): void {
    this.#isBlocked = false;
    this.#resume();
  }

  /** For `wait` ms from now on. */
  hold(wait: number): void {
    this.#pause();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#resume();
    }, wait);
  }

  stop(): void {
    clearTimeout(this.#timer);
    unwatch(this);
  }

  #pause(): void {
    this.socket.pause();
    watchForReset(this);
  }

  #resume(): void {
    if (this.#isBlocked || this.#hasEnded || this.#timer !== undefined) return;
    unwatch(this);
    this.socket.resume();
  }
}

/** Credit that is due at a time; it goes back in its order, and never early. */
export class PacedCredit {
  readonly #giveBack: (bytes: number) => void;
  readonly #waiting: { bytes: number; due: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(giveBack: (bytes: number) => void) {
    this.#giveBack = giveBack;
  }

  /** Not before `due`, by `performance.now()`. */
  add(bytes: number, due: number): void {
    this.#waiting.push({ bytes, due });
    this.#timer ??= this.#arm(due);
  }

  /** Nobody waits any more. */
  stop(): void {
    clearTimeout(this.#timer);
    const bytes = this.#waiting.splice(0).reduce((sum, one) => sum + one.bytes, 0);
    if (bytes > 0) this.#giveBack(bytes);
  }

  #arm(due: number): NodeJS.Timeout {
    return setTimeout(() => this.#release(), Math.max(0, due - performance.now()));
  }

  /** All that is due together, as one credit. */
  #release(): void {
    const now = performance.now();
    const left = this.#waiting.findIndex(({ due }) => due > now);
    const ripe = this.#waiting.splice(0, left < 0 ? this.#waiting.length : left);
    const [next] = this.#waiting;
    this.#timer = next === undefined ? undefined : this.#arm(next.due);
    const bytes = ripe.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes > 0) this.#giveBack(bytes);
  }
}
