import type { Target } from '../target.js';
import type { Channel } from './channel.js';
import type { OpenHandler } from './handlers.js';

/** The way into the tunnel, as listeners see it. */
export interface Tunnel {
  /**
   * Opens a channel at once, whether the tunnel is up or not: what is written to it waits and travels with OPEN.
   * Never throws; what goes wrong arrives as `handler.onFail`.
   */
  open(target: Target, handler: OpenHandler): Channel;
}
