import { type Clock, systemClock } from 'wsproxy-engine';
import type { LocalPort } from '../accept-local.js';
import { LocalPeers, type LocalPeersOptions } from './local-peers.js';
import { type UdpEndpoint, UdpSocket } from './udp-socket.js';

/**
 * Hears datagrams at a port: each address and port that they come from has a flow of its own, until it is idle. Rejects with
 * the error of the system if it cannot listen.
 */
export async function acceptUdp(at: UdpEndpoint, options: UdpPortOptions): Promise<UdpPort> {
  const { clock = systemClock } = options;
  const socket: UdpSocket = await UdpSocket.bind(at, options.logger, (data, from) => peers.onDatagram(data, from));
  const peers = new LocalPeers({ ...options, socket, clock });
  let closing: Promise<void> | undefined;
  return {
    address: socket.address,
    restart: () => peers.restart(),
    stop: () => peers.stop(),
    // Anyone who has made it may close it, and the client does so again.
    close() {
      if (closing === undefined) {
        peers.close();
        closing = socket.close();
      }
      return closing;
    },
  };
}

export interface UdpPortOptions extends Omit<LocalPeersOptions, 'socket' | 'clock'> {
  readonly clock?: Clock | undefined;
}

export interface UdpPort extends LocalPort {
  /** Flows lead elsewhere from now on: those there are end, and the one who sends next gets another one. */
  restart(): void;
}
