import { SocketAddress } from 'node:net';
import { FAILURES, parseHost, type Target } from 'wsproxy-engine';
import { MORE, type ParseResult } from './parse-result.js';

/** RFC 1928 section 3. */
export const METHODS = { NO_AUTHENTICATION: 0x00, PASSWORD: 0x02, NONE_ACCEPTABLE: 0xff } as const;

/** RFC 1928 section 6; the replies that tell how dialling went are in FAILURES. */
export const REPLIES = {
  SUCCEEDED: 0x00,
  GENERAL_FAILURE: 0x01,
  COMMAND_NOT_SUPPORTED: 0x07,
  ADDRESS_TYPE_NOT_SUPPORTED: 0x08,
} as const;

const VERSION = 0x05;
/** Of the negotiation of RFC 1929. */
const PASSWORD_VERSION = 0x01;
const CONNECT = 0x01;
const ADDRESS_TYPES = { IPV4: 0x01, NAME: 0x03, IPV6: 0x04 } as const;
/** VER CMD RSV ATYP. */
const HEADER_LENGTH = 4;
const PORT_LENGTH = 2;

/** VER NMETHODS METHODS (RFC 1928 section 3): the offered methods. */
export function parseSocks5Greeting(bytes: Buffer): ParseResult<Buffer> {
  if (bytes.length < 1) return MORE;
  if (bytes.readUInt8(0) !== VERSION) return { state: 'invalid', reason: 'not SOCKS5' };
  if (bytes.length < 2) return MORE;
  const length = 2 + bytes.readUInt8(1);
  if (bytes.length < length) return MORE;
  return { state: 'done', value: bytes.subarray(2, length), length };
}

export function encodeSocks5Method(method: number): Buffer {
  return Buffer.of(VERSION, method);
}

/** VER ULEN UNAME PLEN PASSWD (RFC 1929 section 2). */
export function parseSocks5Password(bytes: Buffer): ParseResult<readonly [name: string, password: string]> {
  if (bytes.length < 1) return MORE;
  if (bytes.readUInt8(0) !== PASSWORD_VERSION) return { state: 'invalid', reason: 'not a SOCKS5 password' };
  if (bytes.length < 2) return MORE;
  const nameEnd = 2 + bytes.readUInt8(1);
  if (bytes.length <= nameEnd) return MORE;
  const length = nameEnd + 1 + bytes.readUInt8(nameEnd);
  if (bytes.length < length) return MORE;
  const value = [bytes.toString('utf8', 2, nameEnd), bytes.toString('utf8', nameEnd + 1, length)] as const;
  return { state: 'done', value, length };
}

/** VER STATUS (RFC 1929 section 2). */
export function encodeSocks5PasswordReply(allowed: boolean): Buffer {
  return Buffer.of(PASSWORD_VERSION, allowed ? 0 : 1);
}

/** VER CMD RSV ATYP DST.ADDR DST.PORT (RFC 1928 section 4); only CONNECT is done. */
export function parseSocks5Request(bytes: Buffer): ParseResult<Target> {
  if (bytes.length < 1) return MORE;
  if (bytes.readUInt8(0) !== VERSION) return { state: 'invalid', reason: 'SOCKS version changed after the greeting' };
  if (bytes.length < HEADER_LENGTH) return MORE;
  if (bytes.readUInt8(1) !== CONNECT) return refuse(REPLIES.COMMAND_NOT_SUPPORTED, 'SOCKS command not supported');

  const addressType = bytes.readUInt8(3);
  switch (addressType) {
    case ADDRESS_TYPES.IPV4:
      return parseDestination(bytes, HEADER_LENGTH, 4, (address) => address.join('.'));
    case ADDRESS_TYPES.IPV6:
      return parseDestination(bytes, HEADER_LENGTH, 16, formatIPv6);
    case ADDRESS_TYPES.NAME: {
      if (bytes.length <= HEADER_LENGTH) return MORE;
      const length = bytes.readUInt8(HEADER_LENGTH);
      if (length === 0) return refuse(REPLIES.GENERAL_FAILURE, 'empty host name');
      return parseDestination(bytes, HEADER_LENGTH + 1, length, (name) => parseHost(name.toString('latin1')));
    }
    default:
      return refuse(REPLIES.ADDRESS_TYPE_NOT_SUPPORTED, 'SOCKS address type not supported');
  }
}

/** VER REP RSV ATYP BND.ADDR BND.PORT (RFC 1928 section 6); the bound address of the server is nobody's business. */
export function encodeSocks5Reply(reply: number): Buffer {
  return Buffer.of(VERSION, reply, 0x00, ADDRESS_TYPES.IPV4, 0, 0, 0, 0, 0, 0);
}

function parseDestination(
  bytes: Buffer,
  start: number,
  length: number,
  readHost: (address: Buffer) => string | undefined,
): ParseResult<Target> {
  const end = start + length;
  if (bytes.length < end + PORT_LENGTH) return MORE;
  const host = readHost(bytes.subarray(start, end));
  if (host === undefined) return refuse(FAILURES.BAD_TARGET.socks5, 'not a valid host name');
  const port = bytes.readUInt16BE(end);
  if (port === 0) return refuse(REPLIES.GENERAL_FAILURE, 'port 0');
  return { state: 'done', value: { host, port }, length: end + PORT_LENGTH };
}

function formatIPv6(address: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => address.readUInt16BE(index * 2).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

function refuse(reply: number, reason: string): ParseResult<never> {
  return { state: 'invalid', reason, reply: encodeSocks5Reply(reply) };
}
