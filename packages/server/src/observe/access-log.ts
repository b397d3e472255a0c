import type { ChannelLines } from '../limits/channel-lines.js';
import type { ServerObserver } from './observer.js';

/** Writes a line for each channel, each flow, and each connection to a remote listener when it is over, no matter what became of it. */
export function createAccessLog(lines: ChannelLines): ServerObserver {
  return {
    onChannelOver: ({ connected: _, refused, ...record }) => {
      lines.write(refused ? { user: record.user, code: record.outcome } : undefined, record, 'channel over');
    },
    onArrivalOver: ({ answered, ...record }) => {
      // Strangers can connect as often as they like.
      if (answered) lines.write(undefined, record, 'arrival over');
      else lines.writeSome(record.user, record.outcome, record, 'arrival over');
    },
    onFlowOver: ({ refused: _, dropped, ...record }) => {
      const line = { ...record, ...(Object.keys(dropped).length > 0 && { dropped }) };
      // A new destination has its rate. One that has none costs nothing, and nobody misses its line.
      if (record.destinations === 0) lines.writeSome(record.user, record.outcome, line, 'flow over');
      else lines.write(undefined, line, 'flow over');
    },
  };
}
