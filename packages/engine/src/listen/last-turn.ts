import { channelFrames } from '../channel/channel-frames.js';
import type { Sender, Turn } from '../channel/sender.js';
import type { Frame } from '../frame/frame.js';

/**
 * The FIN of a server. It has a turn of its own, so that it leaves behind all that has arrived, also where the listener still has
 * its turn for LISTENING.
 */
export class LastTurn implements Sender {
  readonly id: number;
  turn: Turn | undefined;
  readonly #carrier: object;
  #isSent = false;

  constructor(id: number, carrier: object) {
    this.id = id;
    this.#carrier = carrier;
  }

  isCarriedBy(carrier: object): boolean {
    return this.#carrier === carrier;
  }

  get sendable(): boolean {
    return !this.#isSent;
  }

  takeFrame(): Frame | undefined {
    if (this.#isSent) return undefined;
    this.#isSent = true;
    return channelFrames.fin(this.id);
  }
}
