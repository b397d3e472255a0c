import { keep, release, SmallPieces, unpinned } from 'wsproxy-engine';
import type { RelaySocket } from '../sockets/reset-socket.js';
import { type Unread, unwatch, watchForReset } from '../sockets/reset-watch.js';
import type { Mortal } from '../sockets/socket-death.js';

/** `up`: from the channel to the socket; `down`: from the socket to the channel. */
export type Direction = 'up' | 'down';

/** Whoever waits for a turn. */
export interface Turn {
  /** The bytes that waited may pass now. */
  onTurn(): void;
}

/**
 * Holds the relays of somebody to a rate: nothing passes before its turn. What waits meanwhile is bounded by the windows
 * upwards, and by one read of a socket downwards.
 */
export interface RelayPace {
  /** Whether `bytes` may pass now: then they do. */
  mayPass(direction: Direction, bytes: number): boolean;
  /** They may not: `turn` is told when they do, unless it leaves before. */
  wait(direction: Direction, bytes: number, turn: Turn): void;
  leave(direction: Direction, turn: Turn): void;
}

/** What waits for its turn in one direction of a relay, in its order. */
export class PacedPieces implements Turn {
  readonly #pace: RelayPace;
  readonly #direction: Direction;
  readonly #pass: (bytes: Uint8Array, isMore: boolean) => void;
  #pieces: { readonly bytes: Uint8Array; readonly isMore: boolean }[] = [];
  /** Behind these; empty when there are none. */
  readonly #small = new SmallPieces((bytes) => void this.#pieces.push({ bytes, isMore: false }));
  /** Called once, when the last piece has passed. */
  onEmpty: (() => void) | undefined;

  constructor(pace: RelayPace, direction: Direction, pass: (bytes: Uint8Array, isMore: boolean) => void) {
    this.#pace = pace;
    this.#direction = direction;
    this.#pass = pass;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  push(bytes: Uint8Array, isMore: boolean): void {
    if (!this.isEmpty && this.#small.add(bytes)) return;
    this.#pieces.push({ bytes: keep(unpinned(bytes)), isMore });
    if (this.#pieces.length === 1) this.#pace.wait(this.#direction, bytes.length, this);
  }

  onTurn(): void {
    const piece = this.#pieces.shift();
    if (piece === undefined) return;
    if (this.isEmpty) this.#small.flush();
    const [next] = this.#pieces;
    if (next !== undefined) this.#pace.wait(this.#direction, next.bytes.length, this);
    this.#pass(piece.bytes, piece.isMore);
    release(piece.bytes);
    if (next !== undefined) return;
    const { onEmpty } = this;
    this.onEmpty = undefined;
    onEmpty?.();
  }

  /** Nothing of it will pass; returns how many bytes that are. */
  drop(): number {
    if (this.isEmpty) return 0;
    this.#pace.leave(this.#direction, this);
    this.onEmpty = undefined;
    this.#small.flush();
    let dropped = 0;
    for (const { bytes } of this.#pieces.splice(0)) {
      dropped += bytes.length;
      release(bytes);
    }
    return dropped;
  }
}

/** Reads a socket while neither the channel nor the pace wants a pause. `owner` is told of a reset while it is not read. */
export class PacedSource implements Unread {
  readonly socket: RelaySocket;
  readonly #owner: Mortal;
  #isBlocked = false;
  #isHeld = false;
  #hasEnded = false;

  constructor(socket: RelaySocket, owner: Mortal) {
    this.socket = socket;
    this.#owner = owner;
  }

  onDead(): void {
    this.#owner.onDead();
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

  /** Until `letGo`. */
  hold(): void {
    this.#isHeld = true;
    this.#pause();
  }

  letGo(): void {
    this.#isHeld = false;
    this.#resume();
  }

  stop(): void {
    unwatch(this);
  }

  #pause(): void {
    this.socket.pause();
    watchForReset(this);
  }

  #resume(): void {
    if (this.#isBlocked || this.#isHeld || this.#hasEnded) return;
    unwatch(this);
    this.socket.resume();
  }
}
