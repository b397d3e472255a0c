import { type Clock, type FlowTunnel, formatTarget, type Logger, type Target, withFields } from 'wsproxy-engine';
import { DNS_IDLE, DNS_PORT, UDP_IDLE } from '../../sockets/udp-idle.js';
import type { LocalPort } from '../accept-local.js';
import { acceptUdp } from './accept-udp.js';
import type { UdpEndpoint } from './udp-socket.js';

/** Carries the datagrams of local applications to one target, and what comes back. Rejects with the error of the system if it cannot listen. */
export function forwardUdp(tunnel: FlowTunnel, options: ForwardedUdpPortOptions): Promise<LocalPort> {
  const { at, target, clock } = options;
  return acceptUdp(at, {
    openFlow: (handler) => tunnel.openFlow(target, handler),
    logger: withFields(options.logger, { target: formatTarget(target) }),
    clock,
    idle: target.port === DNS_PORT ? DNS_IDLE : UDP_IDLE,
  });
}

export interface ForwardedUdpPortOptions {
  readonly at: UdpEndpoint;
  /** Where every datagram goes. */
  readonly target: Target;
  readonly logger: Logger;
  readonly clock?: Clock;
}
