import type { Peer } from 'wsproxy-engine';
import { encodeSocks5Header } from '../../src/accept/socks/socks5-datagram.js';

/** Bytes as hex digits, with spaces where they help. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

export const GREETING: Buffer = hex('05 01 00');
/** The method chosen: none needed. */
export const METHOD: Buffer = hex('05 00');

/** A SOCKS5 reply with this REP byte. */
export function reply5(reply: number): Buffer {
  return Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** A SOCKS5 CONNECT to a name; every character is one byte. */
export function request5(name: string, port = 80): Buffer {
  const bytes = Buffer.from(name, 'latin1');
  return Buffer.concat([hex('05 01 00 03'), Buffer.of(bytes.length), bytes, Buffer.of(port >> 8, port & 0xff)]);
}

/** A SOCKS4a CONNECT. */
export function request4a(name: string, port = 80, user = ''): Buffer {
  const head = Buffer.from([4, 1, port >> 8, port & 0xff, 0, 0, 0, 1]);
  return Buffer.concat([head, Buffer.from(`${user}\0${name}\0`, 'latin1')]);
}

export const GRANTED: Buffer = hex('00 5A 0000 00000000');
export const REJECTED: Buffer = hex('00 5B 0000 00000000');

/** A datagram of SOCKS5, for or from `peer`. */
export function datagram5(peer: Peer, data: Uint8Array | string, spelling?: string): Buffer {
  return Buffer.concat([encodeSocks5Header(peer, spelling), Buffer.from(data as string)]);
}
