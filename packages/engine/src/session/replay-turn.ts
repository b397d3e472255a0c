import type { Sender, Turn } from '../channel/sender.js';
import { type Frame, SESSION_CHANNEL } from '../frame/frame.js';
import type { ReplayBuffer } from '../replay/replay-buffer.js';

/** What is sent again takes turns with datagrams, as one queue beside theirs, so that they do not wait for its end. */
export class ReplayTurn implements Sender {
  readonly id: number = SESSION_CHANNEL;
  turn: Turn | undefined;
  readonly #replay: ReplayBuffer;

  constructor(replay: ReplayBuffer) {
    this.#replay = replay;
  }

  get sendable(): boolean {
    return this.#replay.isBehind;
  }

  get hasUnkept(): boolean {
    return this.#replay.isBehind;
  }

  isCarriedBy(): boolean {
    return true;
  }

  takeFrame(): Frame | undefined {
    return this.#replay.next();
  }

  takeUnkept(): Frame | undefined {
    return this.#replay.next();
  }
}
