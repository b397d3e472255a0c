import { CuttingRelay } from './sockets/cutting-relay.js';
import { startTunnel, type Tunnel, type TunnelOptions } from './tunnel.js';

/** A tunnel whose transports pass through a relay. */
export interface RelayedTunnel extends Tunnel {
  readonly relay: CuttingRelay;
}

export async function startRelayedTunnel(options: Omit<TunnelOptions, 'through'> = {}): Promise<RelayedTunnel> {
  const relay = new CuttingRelay(0);
  const tunnel = await startTunnel({
    ...options,
    through: async (serverPort) => {
      relay.target = serverPort;
      return (await relay.start()).port;
    },
  });
  return { ...tunnel, relay };
}
