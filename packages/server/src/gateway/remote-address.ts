import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { OptionError } from 'wsproxy-node/options';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { plainAddress } from './plain-address.js';

/** Where a request comes from, as far as can be trusted; undefined for a Unix socket without a word of a proxy. */
export type RemoteAddressOf = (request: IncomingMessage) => string | undefined;

/**
 * Reads X-Forwarded-For as far as those who wrote it are among `trustedProxies`: addresses, CIDR ranges, or `unix` for
 * anyone who connects by a Unix socket. The rightmost address that is none of them is the remote one: anything that stands left
 * of it a stranger may have written. Without trusted proxies the header counts for nothing.
 * @throws OptionError that names what is neither
 */
export function createRemoteAddressOf(trustedProxies: readonly string[]): RemoteAddressOf {
  const isTrusted = createTrust(trustedProxies);
  return (request) => {
    let address = request.socket.remoteAddress;
    // Node joins several such headers with a comma, in order.
    const hops = String(request.headers['x-forwarded-for'] ?? '').split(',');
    while (isTrusted(address)) {
      const hop = addressOf(hops.pop() ?? '');
      if (hop === undefined) break;
      address = hop;
    }
    return address === undefined ? undefined : plainAddress(address);
  };
}

/**
 * Whether the peer with an address, or with none on a Unix socket, is one of `trustedProxies`.
 * @throws OptionError as above
 */
export function createTrust(trustedProxies: readonly string[]): (address: string | undefined) => boolean {
  const rules = trustedProxies.filter((text) => text !== 'unix').map(readRange);
  return (address) =>
    address === undefined ? trustedProxies.includes('unix') : rules.some((hasHost) => hasHost(address));
}

function readRange(text: string): (address: string) => boolean {
  const expected = 'expected an address, a range such as 10.0.0.0/8, or unix';
  try {
    if (isIP(text.split('/', 1).join()) !== 0) {
      const { hasHost, ports, protocol } = parseDestinationRule(text);
      if (ports === undefined && protocol === undefined) return hasHost;
    }
  } catch {
    // An address with a length that it cannot have, told below.
  }
  throw new OptionError('trustedProxies', `not a trusted proxy: ${JSON.stringify(text)}; ${expected}`);
}

/** Some proxies add the port, with brackets around IPv6. */
function addressOf(hop: string): string | undefined {
  const text = hop.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? (isIPv6(text) ? text : text.replace(/:\d+$/, ''));
  return isIP(bare) === 0 ? undefined : bare;
}
