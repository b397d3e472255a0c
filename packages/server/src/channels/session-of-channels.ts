import type { DialTurns } from '../limits/dial-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** A session, as far as its channels have to know it. */
export interface SessionOfChannels {
  /** The first 8 hexadecimal characters of its id. */
  readonly id: string;
  /** Its client only examines the way. */
  readonly isProbe: boolean;
  readonly turns: DialTurns;
  /** One of them is over. */
  onChannelOver(record: ChannelRecord): void;
}
