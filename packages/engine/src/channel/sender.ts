import type { Frame } from '../frame/frame.js';

/** Takes turns with others to send. */
export interface Sender {
  /** Its number; 0 for none. */
  readonly id: number;
  /** Its place among those that wait. */
  turn: Turn | undefined;
  /** Whether `takeFrame` would give one. */
  readonly sendable: boolean;
  /** Whether `takeUnkept` would. Those that have none ever leave both out. */
  readonly hasUnkept?: boolean;
  isCarriedBy(carrier: object): boolean;
  /** The next frame in its order, with at most `limit` bytes of data. */
  takeFrame(limit: number): Frame | undefined;
  /** The same where the frame is not to be kept for a replay, or is kept already. */
  takeUnkept?(): Frame | undefined;
}

/** A place in the queue of a session, and the bytes that its holder may still send when it is its turn. */
export interface Turn {
  readonly sender: Sender;
  credit: number;
  /** The sender has left the session. */
  isGone: boolean;
}
