import type { FailureCode } from '../failures.js';

/** Told how the opening of a channel ended: exactly one of the two is called, exactly once. */
export interface OpenHandler {
  /** What asks for the channel, for anyone who lists channels. No peer is told. */
  readonly kind?: string;
  /** The far end has dialled the target. Called before any data of the channel. */
  onOpen(): void;
  /** The channel is over before it began; nothing follows. */
  onFail(code: FailureCode): void;
}

/** Takes what a channel brings. Set with `Channel.start(sink)`; until then data waits in the channel. */
export interface ChannelSink {
  /**
   * The bytes are valid until this returns: anyone who needs them longer copies them, or keeps them (`memory`). Anyone who takes
   * them calls `channel.consumed(chunk.length)` once they have really gone. `isMore`: the rest of what the peer sent at once
   * is on its way, so that it may be worth waiting for within the turn.
   */
  onData(chunk: Uint8Array, isMore: boolean): void;
  /** The peer has ended its half, everything before it was delivered. */
  onEnd(): void;
  /** The channel is dead in both directions; everything the peer sent before was delivered. Nothing follows. */
  onReset(code: FailureCode): void;
  /** `write` may be called again after it had returned false. */
  onWritable(): void;
  /**
   * One of these, or of those who were told before that the channel is there, has thrown `error`: the channel is reset as INTERNAL,
   * and nothing follows. Without it the program is told of a rejection, and `onReset` follows.
   */
  onThrown?(error: unknown): void;
}
