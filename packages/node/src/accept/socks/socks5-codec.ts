import { FAILURES, type Target } from 'wsproxy-engine';
import { MORE, type ParseResult } from './parse-result.js';
import { ADDRESS_TYPES, encodeSocks5Address, hostOf, readSocks5Address } from './socks5-address.js';

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
/** RFC 1928 section 4. */
const COMMANDS = { CONNECT: 0x01, UDP_ASSOCIATE: 0x03 } as const;
/** VER CMD RSV. */
const HEADER_LENGTH = 3;

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

/** VER CMD RSV ATYP DST.ADDR DST.PORT (RFC 1928 section 4); BIND is not done. */
export function parseSocks5Request(bytes: Buffer): ParseResult<Socks5Request> {
  if (bytes.length < 1) return MORE;
  if (bytes.readUInt8(0) !== VERSION) return { state: 'invalid', reason: 'SOCKS version changed after the greeting' };
  if (bytes.length <= HEADER_LENGTH) return MORE;
  const command = bytes.readUInt8(1);
  const isConnect = command === COMMANDS.CONNECT;
  if (!isConnect && command !== COMMANDS.UDP_ASSOCIATE) {
    return refuse(REPLIES.COMMAND_NOT_SUPPORTED, 'SOCKS command not supported');
  }
  if (isConnect && bytes.readUInt8(HEADER_LENGTH) === ADDRESS_TYPES.NAME && bytes[HEADER_LENGTH + 1] === 0) {
    return refuse(REPLIES.GENERAL_FAILURE, 'empty host name');
  }
  const address = readSocks5Address(bytes, HEADER_LENGTH);
  if (address === 'more') return MORE;
  if (address === 'unknown') return refuse(REPLIES.ADDRESS_TYPE_NOT_SUPPORTED, 'SOCKS address type not supported');
  // What an association says of its own end says nothing: some have the destination there, some a name that is none.
  if (!isConnect) return { state: 'done', value: { command: 'associate' }, length: address.end };
  const host = hostOf(address);
  if (host === undefined) return refuse(FAILURES.BAD_TARGET.socks5, 'not a valid host name');
  if (address.port === 0) return refuse(REPLIES.GENERAL_FAILURE, 'port 0');
  const target = { host, port: address.port };
  return { state: 'done', value: { command: 'connect', target }, length: address.end };
}

export type Socks5Request =
  | { readonly command: 'connect'; readonly target: Target }
  | { readonly command: 'associate' };

/** VER REP RSV ATYP BND.ADDR BND.PORT (RFC 1928 section 6); where the server is bound is nobody's business but an association's. */
export function encodeSocks5Reply(reply: number, bound: Bound = NOWHERE): Buffer {
  return Buffer.concat([Buffer.of(VERSION, reply, 0x00), encodeSocks5Address(bound.address, bound.port)]);
}

interface Bound {
  readonly address: string;
  readonly port: number;
}

const NOWHERE: Bound = { address: '0.0.0.0', port: 0 };

function refuse(reply: number, reason: string): ParseResult<never> {
  return { state: 'invalid', reason, reply: encodeSocks5Reply(reply) };
}
