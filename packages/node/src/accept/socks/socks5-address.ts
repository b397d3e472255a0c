import { addressBytes, addressText, parseHost } from 'wsproxy-engine';

/** Reads ATYP ADDR PORT (RFC 1928 section 5) from `at` on; `unknown` is an address type that nobody knows the length of. */
export function readSocks5Address(bytes: Buffer, at: number): Socks5Address | 'more' | 'unknown' {
  if (bytes.length <= at) return 'more';
  const type = bytes.readUInt8(at);
  let start = at + 1;
  let length = LENGTHS[type];
  if (length === undefined) {
    if (type !== ADDRESS_TYPES.NAME) return 'unknown';
    if (bytes.length <= start) return 'more';
    length = bytes.readUInt8(start);
    start += 1;
  }
  const end = start + length + PORT_LENGTH;
  if (bytes.length < end) return 'more';
  const address = bytes.subarray(start, start + length);
  return { type, address, port: bytes.readUInt16BE(start + length), end };
}

export interface Socks5Address {
  readonly type: number;
  /** The raw address, or the text of the name. */
  readonly address: Buffer;
  readonly port: number;
  /** Where the next field begins. */
  readonly end: number;
}

/** In canonical spelling; undefined for a name that is none. */
export function hostOf({ type, address }: Socks5Address): string | undefined {
  return type === ADDRESS_TYPES.NAME ? parseHost(address.toString('latin1')) : addressText(address);
}

/** The same bytes for a host in canonical spelling; `isName`: an address literal is to stand there as a name, too. */
export function encodeSocks5Address(host: string, port: number, isName = false): Buffer {
  // A zone means something on this machine alone.
  const address = isName ? undefined : addressBytes(host.replace(/%.*$/, ''));
  const last = [port >> 8, port & 0xff];
  if (address !== undefined) {
    const type = address.length === LENGTHS[ADDRESS_TYPES.IPV4] ? ADDRESS_TYPES.IPV4 : ADDRESS_TYPES.IPV6;
    return Buffer.from([type, ...address, ...last]);
  }
  const name = Buffer.from(host, 'latin1');
  return Buffer.from([ADDRESS_TYPES.NAME, name.length, ...name, ...last]);
}

export const ADDRESS_TYPES = { IPV4: 0x01, NAME: 0x03, IPV6: 0x04 } as const;

/** Of addresses that do not say it. */
const LENGTHS: Readonly<Record<number, number>> = { [ADDRESS_TYPES.IPV4]: 4, [ADDRESS_TYPES.IPV6]: 16 };
const PORT_LENGTH = 2;
