import { ADDRESS_TYPES, encodeSocks5Address, hostOf, readSocks5Address } from './socks5-address.js';

/**
 * RSV RSV FRAG ATYP DST.ADDR DST.PORT DATA (RFC 1928 section 7). A fragment is told apart, since it must be dropped by
 * anyone who does not put fragments together again.
 */
export function parseSocks5Datagram(bytes: Buffer): Socks5Datagram | 'fragment' | 'malformed' {
  if (bytes.length < HEADER_LENGTH) return 'malformed';
  if (bytes.readUInt8(FRAG) !== 0) return 'fragment';
  const address = readSocks5Address(bytes, HEADER_LENGTH);
  if (typeof address === 'string' || address.port === 0) return 'malformed';
  const host = hostOf(address);
  if (host === undefined) return 'malformed';
  const data = bytes.subarray(address.end);
  const spelling = address.type === ADDRESS_TYPES.NAME ? address.address.toString('latin1') : undefined;
  return { peer: { host, port: address.port }, spelling, data };
}

export interface Socks5Datagram {
  readonly peer: { readonly host: string; readonly port: number };
  /** How the application has written the name; undefined when it gave an address. */
  readonly spelling: string | undefined;
  /** A part of what was parsed. */
  readonly data: Buffer;
}

/** Its header; `spelling`: the name in place of the host, as the application has it. */
export function encodeSocks5Header({ host, port }: Socks5Datagram['peer'], spelling?: string): Buffer {
  return Buffer.concat([NOT_FRAGMENTED, encodeSocks5Address(spelling ?? host, port, spelling !== undefined)]);
}

/** RSV RSV FRAG. */
const HEADER_LENGTH = 3;
const FRAG = 2;
const NOT_FRAGMENTED: Buffer = Buffer.alloc(HEADER_LENGTH);
