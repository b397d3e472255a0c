import type { FailureCode } from '../failures.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Target } from '../target.js';
import type { ChannelState } from './channel-state.js';
import type { ChannelSink } from './handlers.js';

/** One application byte stream inside a session, as those see it who use it: two directions that end separately. */
export interface Channel {
  /** Its number in the session that carries it. */
  readonly id: number;
  readonly target: Target;
  readonly state: Readonly<ChannelState>;
  /** What it has carried so far; a copy. */
  readonly figures: ChannelFigures;
  /** Where the bytes lie that it is given, and brings: who needs what it brings for longer keeps it there. */
  readonly memory: SlabPool;
  /** So many bytes does a source best bring at once, at most: few when little memory is left for what waits to be sent. */
  readonly appetite: number;
  /** From here on `sink` takes what the channel brings, beginning with what has arrived already. */
  start(sink: ChannelSink): void;
  /** `bytes` of what `onData` brought have gone: the peer may send as many again. Until then, also beyond the end, they are held. */
  consumed(bytes: number): void;
  /** Queues bytes, which belong to the channel from here on; those of a slab are kept. False asks for a pause until `onWritable`. */
  write(chunk: Uint8Array): boolean;
  /** No more bytes from here; what was written still goes. With `failure` the source was reset: so is the channel, behind them. */
  end(failure?: FailureCode): void;
  /** Ends both directions at once. What was written but not yet sent is dropped. CANCELLED unless told. */
  reset(code?: FailureCode): void;
  /** Asks the peer for a sign of life, once a second at most; `figures` tell of the answer. */
  ask(): void;
  /** Calls `listener` once, when nothing can happen on the channel any more: at once if that is so. */
  onOver(listener: () => void): void;
}

/** A channel that the peer has opened, and that waits for our answer: one of `accept` and `refuse`. */
export interface OfferedChannel extends Channel {
  /** The target was dialled: the opener may be told, and may send a whole window. */
  accept(): void;
  /** The target could not be dialled. */
  refuse(code: FailureCode): void;
  /** Calls `listener` when the peer, or the loss of the session, ends the channel before it was answered. */
  onAbandoned(listener: () => void): void;
}

export interface ChannelFigures extends Progress {
  /** Time since it was asked for, ms. */
  readonly age: number;
  /** Payload bytes sent to and received from the peer. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** How often bytes that were written began to wait because the peer's window was used up. */
  readonly windowStalls: number;
  /** What was written waits until the peer takes more. */
  readonly isStalled: boolean;
  /** Why it could not be opened, or was reset; undefined while it lives, and after both directions have ended. */
  readonly failure: FailureCode | undefined;
}

/** What tells whether the peer has all that the channel has sent, no matter what becomes of transports meanwhile: of the whole session. */
export interface Progress {
  /** How many frames were sent, and how many of those the peer has processed. */
  readonly framesSent: number;
  readonly framesProcessed: number;
  /** How many PINGs were sent, and which of them the peer has answered last. Anything that it had to tell before it has told then. */
  readonly asked: number;
  readonly answered: number;
}
