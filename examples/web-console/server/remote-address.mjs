import { BlockList, isIP } from 'node:net';

/**
 * Where a request comes from: the last address in X-Forwarded-For that is no trusted proxy, since a stranger may have written
 * anything before it. The header counts only where a trusted proxy sends it.
 *
 * @param {string[]} trustedProxies addresses, and ranges such as 10.0.0.0/8, as wsproxy-server has checked them
 * @returns {(request: import('node:http').IncomingMessage) => string}
 */
export function createRemoteAddressOf(trustedProxies) {
  const trusted = new BlockList();
  for (const proxy of trustedProxies.filter((text) => text !== 'unix')) {
    const [address, length] = proxy.split('/');
    if (length === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(length), familyOf(address));
  }
  return ({ socket, headers }) => {
    let address = socket.remoteAddress ?? '';
    const hops = (headers['x-forwarded-for'] ?? '').split(',').map((hop) => hop.trim());
    while (isIP(address) !== 0 && trusted.check(address, familyOf(address)) && isIP(hops.at(-1) ?? '') !== 0) {
      address = hops.pop();
    }
    return address;
  };
}

const familyOf = (address) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
