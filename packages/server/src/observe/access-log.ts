import type { ChannelLines } from '../limits/channel-lines.js';
import type { ServerObserver } from './observer.js';

/** Writes a line for each channel when it is over, whatever became of it. */
export function createAccessLog(lines: ChannelLines): ServerObserver {
  return {
    onChannelOver: ({ connected: _, ...record }) => lines.write(record.user, record.outcome, record, 'channel over'),
  };
}
