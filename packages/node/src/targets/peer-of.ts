import type { Peer } from 'wsproxy-engine';
import { canonicalAddress } from './address-class.js';

/**
 * An end of a socket, with its address in its one spelling: as IPv4 where a socket of both families writes it as IPv6, and
 * without the interface. Undefined where there is no address: of a Unix socket, and once a connection is closed.
 */
export function peerOf(address: string = '', port: number = 0): Peer | undefined {
  const host = canonicalAddress(address.replace(/%.*$/, ''));
  return host === undefined ? undefined : { host, port };
}
