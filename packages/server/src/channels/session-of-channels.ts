import type { Target } from 'wsproxy-engine';
import type { DialTurns } from '../limits/dial-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** A session, as far as its channels have to know it. */
export interface SessionOfChannels {
  /** The first 8 hexadecimal characters of its id. */
  readonly id: string;
  /** Whether a target is one by which its client examines the way, and no wish of its user; asked once for each channel. */
  takesForProbe(target: Target): boolean;
  readonly turns: DialTurns;
  /** One of them is over. */
  onChannelOver(record: ChannelRecord): void;
}
