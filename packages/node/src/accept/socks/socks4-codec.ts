import { parseHost, type Target } from 'wsproxy-engine';
import { MORE, type ParseResult } from './parse-result.js';

/** The CD field of a reply, from the SOCKS4 memo of Ying-Da Lee: all that the protocol can say. */
export const SOCKS4_REPLIES = { GRANTED: 0x5a, REJECTED: 0x5b } as const;

const VERSION = 0x04;
const CONNECT = 0x01;
/** VN CD DSTPORT DSTIP. */
const HEADER_LENGTH = 8;
/** Of the user id and of the 4a name, without their NUL. The memo sets no bound; we must. */
const MAX_TEXT_LENGTH = 255;

/** VN CD DSTPORT DSTIP USERID NUL, and in 4a after a DSTIP of 0.0.0.x: NAME NUL. The user id is ignored. */
export function parseSocks4Request(bytes: Buffer): ParseResult<Target> {
  if (bytes.length < 1) return MORE;
  if (bytes.readUInt8(0) !== VERSION) return { state: 'invalid', reason: 'not SOCKS4' };
  if (bytes.length < 2) return MORE;
  if (bytes.readUInt8(1) !== CONNECT) return refuse('SOCKS command not supported');
  if (bytes.length < HEADER_LENGTH) return MORE;
  const port = bytes.readUInt16BE(2);
  if (port === 0) return refuse('port 0');
  const address = bytes.readUInt32BE(4);
  if (address === 0) return refuse('address 0.0.0.0');

  const user = readText(bytes, HEADER_LENGTH);
  if (user.state !== 'done') return user;
  if (address > 0xff) {
    return { state: 'done', value: { host: bytes.subarray(4, 8).join('.'), port }, length: user.length };
  }
  const name = readText(bytes, user.length);
  if (name.state !== 'done') return name;
  const host = parseHost(name.value);
  if (host === undefined) return refuse('not a valid host name');
  return { state: 'done', value: { host, port }, length: name.length };
}

/** VN CD DSTPORT DSTIP, where VN is 0 and the address means nothing after CONNECT. */
export function encodeSocks4Reply(reply: number): Buffer {
  return Buffer.of(0x00, reply, 0, 0, 0, 0, 0, 0);
}

/** The text from `start` to its NUL; `length` then counts from the beginning of `bytes`, NUL included. */
function readText(bytes: Buffer, start: number): ParseResult<string> {
  const window = bytes.subarray(start, start + MAX_TEXT_LENGTH + 1);
  const end = window.indexOf(0);
  if (end >= 0) return { state: 'done', value: window.toString('latin1', 0, end), length: start + end + 1 };
  return window.length > MAX_TEXT_LENGTH ? refuse('text of more than 255 bytes') : MORE;
}

function refuse(reason: string): ParseResult<never> {
  return { state: 'invalid', reason, reply: encodeSocks4Reply(SOCKS4_REPLIES.REJECTED) };
}
