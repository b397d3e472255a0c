import type { Target } from 'wsproxy-engine';
import type { SessionTurns } from '../limits/session-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** A session, as far as its channels have to know it. */
export interface SessionOfChannels {
  /** The first 8 hexadecimal characters of its id. */
  readonly id: string;
  /** Whether a target is one by which its client examines the way, and no wish of its user; asked once for each channel. */
  takesForProbe(target: Target): boolean;
  readonly turns: SessionTurns;
  /** One of them is over. */
  onChannelOver(record: ChannelRecord): void;
}
