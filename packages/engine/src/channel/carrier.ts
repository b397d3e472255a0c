import type { MemoryBudget } from '../flow/memory-budget.js';

/** What a channel, `C`, asks of the session that carries it. */
export interface Carrier<C> {
  /** No session is behind it. */
  readonly isNowhere?: boolean;
  /** What the windows of all channels may hold together. */
  readonly budget: MemoryBudget;
  /** The peer is there, so that what it does not take waits for it alone. */
  isAttached(): boolean;
  /** What may wait in all of them to be sent. */
  readonly queues: MemoryBudget;
  /** The session's clock, and the path's lowest round trip, ms. */
  now(): number;
  roundTrip(): number;
  /** `takeFrame` has something now. */
  onSendable(channel: C): void;
  /** `grantedLimit` has risen enough to tell the peer. */
  onGrant(channel: C): void;
  /** Nothing can happen on this channel any more, except that `takeFrame` may hold a last frame. */
  onOver(channel: C): void;
}
