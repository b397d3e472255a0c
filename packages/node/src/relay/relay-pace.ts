import { compact, type SlabPool, SmallPieces } from 'wsproxy-engine';
import type { RelaySocket } from '../sockets/reset-socket.js';
import { type Unread, unwatch, watchForReset } from '../sockets/reset-watch.js';
import type { Mortal } from '../sockets/socket-death.js';

/** `up`: from the channel to the socket; `down`: from the socket to the channel. */
export type Direction = 'up' | 'down';

/** The one who waits for a turn. */
export interface Turn {
  /** The bytes that waited may pass now. */
  onTurn(): void;
}

/**
 * Holds the relays of somebody to a rate: nothing passes before its turn. What waits meanwhile is bounded by the windows
 * upwards, and by one read of a socket downwards.
 */
export interface RelayPace {
  /** Bytes a second at present, Infinity where there is no rate. */
  rateOf(direction: Direction): number;
  /** Whether `bytes` may pass now: then they do. */
  mayPass(direction: Direction, bytes: number): boolean;
  /** They may not: `turn` is told when they do, unless it leaves before. */
  wait(direction: Direction, bytes: number, turn: Turn): void;
  leave(direction: Direction, turn: Turn): void;
}

/** What waits for its turn in one direction of a relay, in its order. */
export class PacedPieces implements Turn {
  readonly #memory: SlabPool;
  readonly #pace: RelayPace;
  readonly #direction: Direction;
  readonly #pass: (bytes: Uint8Array, isMore: boolean) => void;
  #pieces: { readonly bytes: Uint8Array; readonly isMore: boolean }[] = [];
  /** Behind these; empty when there are none. */
  readonly #small = new SmallPieces((bytes) => void this.#pieces.push({ bytes, isMore: false }));
  /** Called once, when the last piece has passed. */
  onEmpty: (() => void) | undefined;

  constructor(
    memory: SlabPool,
    pace: RelayPace,
    direction: Direction,
    pass: (bytes: Uint8Array, isMore: boolean) => void,
  ) {
    this.#memory = memory;
    this.#pace = pace;
    this.#direction = direction;
    this.#pass = pass;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  push(bytes: Uint8Array, isMore: boolean): void {
    if (!this.isEmpty && this.#small.add(bytes)) return;
    this.#pieces.push({ bytes: this.#memory.keep(compact(bytes)), isMore });
    if (this.#pieces.length === 1) this.#pace.wait(this.#direction, bytes.length, this);
  }

  onTurn(): void {
    const piece = this.#pieces.shift();
    if (piece === undefined) return;
    if (this.isEmpty) this.#small.flush();
    const [next] = this.#pieces;
    if (next !== undefined) this.#pace.wait(this.#direction, next.bytes.length, this);
    this.#pass(piece.bytes, piece.isMore);
    this.#memory.release(piece.bytes);
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
      this.#memory.release(bytes);
    }
    return dropped;
  }
}

/** Reads a socket while neither the channel nor the pace wants a pause. `owner` is told of a reset while it is not read. */
export class PacedSource implements Unread {
  readonly socket: RelaySocket;
  readonly #owner: Mortal;
  #isChannelFull = false;
  #awaitsTurn = false;
  #hasEnded = false;

  constructor(socket: RelaySocket, owner: Mortal) {
    this.socket = socket;
    this.#owner = owner;
  }

  /** It is paused until the channel takes more. */
  get isChannelFull(): boolean {
    return this.#isChannelFull;
  }

  onDead(): void {
    this.#owner.onDead();
  }

  /** Until `resume` for the same reason. */
  pause(reason: PauseReason): void {
    if (reason === 'channel') this.#isChannelFull = true;
    else this.#awaitsTurn = true;
    this.socket.pause();
    watchForReset(this);
  }

  resume(reason: PauseReason): void {
    if (reason === 'channel') this.#isChannelFull = false;
    else this.#awaitsTurn = false;
    if (this.#isChannelFull || this.#awaitsTurn || this.#hasEnded) return;
    unwatch(this);
    this.socket.resume();
  }

  /** There is nothing more to read. */
  end(): void {
    this.#hasEnded = true;
    watchForReset(this);
  }

  stop(): void {
    unwatch(this);
  }
}

/** The channel takes no more, or what was read waits for its turn. */
type PauseReason = 'channel' | 'turn';

/** Calls back when nothing of `pieces` waits any more. */
export function whenEmpty(pieces: PacedPieces | undefined, callback: () => void): void {
  if (pieces === undefined || pieces.isEmpty) callback();
  else pieces.onEmpty = callback;
}

/** What one turn is for at most where there is a rate, bytes: it is to be held evenly. */
const EVEN = 65_536;

/** How much may wait for one turn, bytes. */
export function longestTurn(pace: RelayPace, direction: Direction): number {
  return pace.rateOf(direction) === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : EVEN;
}
