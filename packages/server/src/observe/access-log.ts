import type { Logger } from 'wsproxy-engine';
import type { ServerObserver } from './observer.js';

/** Writes one line for each channel when it is over, whatever became of it. */
export function createAccessLog(logger: Logger): ServerObserver {
  return {
    onChannelOver: ({ user, target, address, outcome, bytesUp, bytesDown, durationMs }) =>
      logger.info({ user, target, address, outcome, bytesUp, bytesDown, durationMs }, 'channel over'),
  };
}
