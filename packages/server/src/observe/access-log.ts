import type { ChannelLines } from '../limits/channel-lines.js';
import type { ServerObserver } from './observer.js';

/** Writes a line for each channel when it is over, whatever became of it. */
export function createAccessLog(lines: ChannelLines): ServerObserver {
  return {
    onChannelOver: ({ connected: _, refused, ...record }) => {
      lines.write(refused ? { user: record.user, code: record.outcome } : undefined, record, 'channel over');
    },
  };
}
