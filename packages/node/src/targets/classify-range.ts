import { isIPv4 } from 'node:net';
import { type AddressClass, classifyAddress } from './address-class.js';
import type { AddressRange } from './destination-rule.js';

/**
 * The class that a range of addresses is meant to be of: that of its first and last one. Undefined when they differ:
 * `0.0.0.0/0` is meant to be the Internet, and must not be the way into everything else.
 */
export function classifyRange({ address, prefix }: AddressRange): AddressClass | undefined {
  const bits = isIPv4(address) ? 32 : 128;
  const hostBits = (1n << BigInt(bits - prefix)) - 1n;
  const last = toNumber(address) | hostBits;
  const [first, end] = [last ^ hostBits, last].map((value) => classifyAddress(toAddress(value, bits)));
  return first === end ? first : undefined;
}

function toAddress(value: bigint, bits: number): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => (value >> shift) & 65_535n);
  return groups.map((group) => group.toString(16)).join(':');
}

function toNumber(address: string): bigint {
  if (isIPv4(address)) return join(address.split('.').map(Number), 8n);
  // The URL parser writes an IPv4 address at the end in hexadecimal, too.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail].map((part) =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16)),
  );
  const [left, right] = [before ?? [], after ?? []];
  return join([...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right], 16n);
}

function join(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((sum, group) => (sum << bits) | BigInt(group), 0n);
}
