import type { Logger } from 'wsproxy-engine';
import type { ServerObserver } from './observer.js';

/** Writes one line for each channel when it is over, whatever became of it. */
export function createAccessLog(logger: Logger): ServerObserver {
  return { onChannelOver: ({ connected: _, ...record }) => logger.info(record, 'channel over') };
}
