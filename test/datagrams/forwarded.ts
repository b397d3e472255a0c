import { type RelayedTunnel, startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';

export interface Forward extends RelayedTunnel {
  /** Where the datagrams of applications are accepted. */
  readonly port: number;
}

/** What `-L port:host:hostport/udp` accepts, through a tunnel whose WebSocket can be cut. */
export async function startForward(hostPort: number, host: string = '127.0.0.1'): Promise<Forward> {
  const tunnel = await startRelayedTunnel();
  const { address } = await tunnel.client.forward({ port: 0, target: `${host}:${hostPort}/udp` });
  return { ...tunnel, port: address.port };
}
