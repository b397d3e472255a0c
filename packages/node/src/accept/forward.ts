import type { Logger, Target, Tunnel } from 'wsproxy-engine';
import { acceptLocal, type Endpoint, type LocalPort } from './accept-local.js';
import { enterTunnel } from './enter-tunnel.js';

/** Accepts local applications that speak anything that the target does: there is no way to tell them why a channel has failed. */
export function forwardLocal(tunnel: Tunnel, { at, target, logger }: ForwardedPortOptions): Promise<LocalPort> {
  const enter = enterTunnel(tunnel, logger);
  return acceptLocal(at, logger, (socket) => enter({ socket, target }));
}

export interface ForwardedPortOptions {
  readonly at: Endpoint;
  /** Where every connection goes. */
  readonly target: Target;
  readonly logger: Logger;
}
