import { isIPv6 } from 'node:net';
import { plainAddress } from './plain-address.js';

/**
 * Who counts as one at the door: an address of IPv4, a network of 64 bits of IPv6, where everybody has at least that
 * many addresses, and all who come by a Unix socket.
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return 'unix';
  const bare = plainAddress(address);
  return isIPv6(bare) ? networkOf(bare) : bare;
}

function networkOf(address: string): string {
  const [before = [], after] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...new Array<string>(zeros).fill('0'), ...(after ?? [])];
  return groups.slice(0, 4).join(':');
}
