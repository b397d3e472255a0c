import type { SessionOfChannels } from '../channels/session-of-channels.js';
import type { DialTurns } from '../limits/dial-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** What the channels of one session have to know of it, and what those that are over have amounted to. */
export class ChannelTotals implements SessionOfChannels {
  readonly id: string;
  readonly isProbe: boolean;
  readonly turns: DialTurns;
  #channels = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(id: string, isProbe: boolean, turns: DialTurns) {
    this.id = id;
    this.isProbe = isProbe;
    this.turns = turns;
  }

  get figures(): { readonly channels: number; readonly bytesUp: number; readonly bytesDown: number } {
    return { channels: this.#channels, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
  }

  onChannelOver({ bytesUp, bytesDown }: ChannelRecord): void {
    this.#channels += 1;
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
  }
}
