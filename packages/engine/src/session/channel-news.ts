import type { SessionChannel } from '../channel/session-channel.js';
import type { FrameBatch } from '../frame/encode.js';
import { FrameType } from '../frame/frame.js';
import { encodeCount, encodeCounts } from '../frame/payload.js';

/** What is to be told of the windows of channels: the newest of each, so that it cannot pile up. */
export class ChannelNews {
  /** Those whose limit is to be told. */
  #grants: Set<SessionChannel> | undefined;
  /** Those that give credit back, and those whose peer did, with the limit that it had seen. */
  #returns: Set<SessionChannel> | undefined;
  #answers: Map<SessionChannel, number> | undefined;

  grant(channel: SessionChannel): void {
    this.#grants ??= new Set();
    this.#grants.add(channel);
  }

  giveBack(channel: SessionChannel): void {
    this.#returns ??= new Set();
    this.#returns.add(channel);
  }

  answerReturn(channel: SessionChannel, seen: number): void {
    this.#answers ??= new Map();
    this.#answers.set(channel, seen);
  }

  forget(channel: SessionChannel): void {
    this.#grants?.delete(channel);
    this.#returns?.delete(channel);
    this.#answers?.delete(channel);
  }

  /** Returns are told again on the next transport, those of them that are not answered. */
  forgetReturns(): void {
    this.#returns = undefined;
    this.#answers = undefined;
  }

  addTo(batch: FrameBatch): void {
    for (const channel of this.#grants ?? []) {
      batch.add(FrameType.window, channel.id, encodeCount(channel.grantedLimit));
    }
    this.#grants = undefined;
    if (this.#returns === undefined && this.#answers === undefined) return;
    for (const { id, returning } of this.#returns ?? []) {
      if (returning !== undefined) batch.add(FrameType.return, id, encodeCounts(returning.seen, returning.keep));
    }
    for (const [{ id, grantedLimit }, seen] of this.#answers ?? []) {
      batch.add(FrameType.returned, id, encodeCounts(seen, grantedLimit));
    }
    this.forgetReturns();
  }
}
