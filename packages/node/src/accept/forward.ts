import type { Tunnel } from 'wsproxy-engine';
import { formatTarget, type Logger, type Target } from 'wsproxy-engine';
import { relay } from '../relay/relay.js';
import { resetSocket } from '../sockets/reset-socket.js';
import { acceptLocal, type LocalPort, type Place } from './accept-local.js';

export interface ForwardOptions {
  readonly place: Place;
  /** Where every connection goes. */
  readonly target: Target;
  readonly logger: Logger;
}

/**
 * Accepts local applications that speak whatever the target does. There is no way to tell them why a channel has failed:
 * they see a reset, never an end as of a connection that was complete.
 */
export function forwardLocal(tunnel: Tunnel, { place, target, logger }: ForwardOptions): Promise<LocalPort> {
  const log = { target: formatTarget(target) };
  return acceptLocal(place, logger, (socket) => {
    const channel = tunnel.open(target, {
      onOpen: () => logger.debug(log, 'channel open'),
      onFail(code) {
        logger.info({ ...log, code }, 'channel failed to open');
        resetSocket(socket);
      },
    });
    relay(channel, socket);
  });
}
