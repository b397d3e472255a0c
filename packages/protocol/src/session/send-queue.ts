import type { Channel } from '../channel/channel.js';
import { LONE_FRAME_SIZE, SHARED_FRAME_SIZE } from '../constants.js';
import type { SequencedFrame } from '../resume/replay-buffer.js';

/** The channels that have something to send, each in its turn: nobody's bulk keeps the others waiting. */
export class SendQueue {
  /** A Set keeps the order of insertion: deleting and adding again moves a channel to the end. */
  readonly #ready = new Set<Channel>();

  add(channel: Channel): void {
    this.#ready.add(channel);
  }

  /** The next frame of the channel whose turn it is. */
  next(): SequencedFrame | undefined {
    for (const channel of this.#ready) {
      const frame = channel.takeFrame(this.#ready.size > 1 ? SHARED_FRAME_SIZE : LONE_FRAME_SIZE);
      this.#ready.delete(channel);
      if (channel.sendable) this.#ready.add(channel);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }
}
