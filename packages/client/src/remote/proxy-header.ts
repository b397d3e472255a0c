import { addressBytes, type Peer } from 'wsproxy-engine';

/**
 * What tells a service from whom a connection is, ahead of its first byte: version 2 of the PROXY protocol, as its
 * specification says in section 2.2. When either end is not known, LOCAL: the service then takes the connection for the
 * sender's own.
 */
export function proxyHeader(source: Peer | undefined, destination: Peer | undefined): Uint8Array {
  const from = source && addressBytes(source.host);
  const to = destination && addressBytes(destination.host);
  if (source === undefined || destination === undefined || from === undefined || to === undefined) {
    return Uint8Array.from([...SIGNATURE, LOCAL, UNSPECIFIED, 0, 0]);
  }
  const isIPv4 = from.length === 4 && to.length === 4;
  const addresses = isIPv4 ? [...from, ...to] : [...asIPv6(from), ...asIPv6(to)];
  const body = [...addresses, ...u16(source.port), ...u16(destination.port)];
  return Uint8Array.from([...SIGNATURE, PROXY, isIPv4 ? TCP4 : TCP6, ...u16(body.length), ...body]);
}

const SIGNATURE: readonly number[] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** Version 2 in the upper half, the command in the lower one. */
const LOCAL = 0x20;
const PROXY = 0x21;
/** The family in the upper half, the transport in the lower one. */
const UNSPECIFIED = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;

/** Both addresses are of one family: RFC 4291 section 2.5.5.2 has a place for the other one. */
function asIPv6(address: readonly number[]): readonly number[] {
  return address.length === 16 ? address : [...MAPPED, ...address];
}

const MAPPED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function u16(value: number): readonly [number, number] {
  return [value >>> 8, value & 0xff];
}
