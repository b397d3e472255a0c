import { join, zeros } from '../../../packages/engine/src/bytes.js';
import { FrameType } from '../../../packages/engine/src/frame/frame.js';
import { bytesOf, filled } from './bytes.js';
import { type PlainFrame, u16, u32, u64 } from './oracle-codec.js';

/** Frames written by hand, as PROTOCOL.md has them, not as the code under test would make them. */
const make = (type: number, channel: number, ...payload: Uint8Array[]): PlainFrame => ({
  type,
  channel,
  payload: join(payload),
});

const latin1 = (text: string): Uint8Array => bytesOf(Array.from(text, (letter) => letter.charCodeAt(0)));

export const SESSION_ID: Uint8Array = filled(16, 7);
export const SESSION_SECRET: Uint8Array = filled(32, 9);
const key = (version: number, secret: Uint8Array): Uint8Array[] => [bytesOf([version, 0, 0, 0]), SESSION_ID, secret];

export const open = (channel: number, window = 65_536, host = 'example.org', port = 80): PlainFrame =>
  make(FrameType.open, channel, u32(window), u16(port), latin1(host));
export const openOk = (channel: number, window = 65_536): PlainFrame => make(FrameType.openOk, channel, u32(window));
export const openFail = (channel: number, code: number): PlainFrame => make(FrameType.openFail, channel, u16(code));
export const data = (channel: number, bytes: string | Uint8Array): PlainFrame =>
  make(FrameType.data, channel, bytesOf(bytes));
export const fin = (channel: number): PlainFrame => make(FrameType.fin, channel);
export const reset = (channel: number, code = 13): PlainFrame => make(FrameType.reset, channel, u16(code));
/** Bit 4 of the capabilities; and all that this version knows, with bit 5 for the account. */
export const RETURN = 0x10;
export const CAPABILITIES = 0x30;
/** Of an end that knows nothing of capabilities. */
export const hello = ({ version = 1, secret = SESSION_SECRET, grace = 120_000 } = {}): PlainFrame =>
  make(FrameType.hello, 0, ...key(version, secret), u32(grace));
export const helloWith = (capabilities: number, secret: Uint8Array = SESSION_SECRET, heartbeat = 0): PlainFrame =>
  make(FrameType.hello, 0, ...key(1, secret), u32(120_000), u32(heartbeat), u32(capabilities));
export const resume = ({ version = 1, secret = SESSION_SECRET, attempt = 1, received = 0 } = {}): PlainFrame =>
  make(FrameType.resume, 0, ...key(version, secret), u32(attempt), u64(received));
/** The answer to RESUME, with what was agreed on HELLO. */
export const resumed = (attempt: number, received: number, grace: number, capabilities: number): PlainFrame =>
  make(FrameType.resume, 0, ...key(1, zeros(32)), u32(attempt), u64(received), u32(grace), u32(capabilities));
export const ack = (received: number | bigint): PlainFrame => make(FrameType.ack, 0, u64(received));
export const ping = (value: number | bigint): PlainFrame => make(FrameType.ping, 0, u64(value));
export const pong = (value: number | bigint): PlainFrame => make(FrameType.pong, 0, u64(value));
export const window = (channel: number, limit: number | bigint): PlainFrame =>
  make(FrameType.window, channel, u64(limit));
export const giveBack = (channel: number, seen: number, keep: number): PlainFrame =>
  make(FrameType.return, channel, u64(seen), u64(keep));
export const returned = (channel: number, seen: number, limit: number): PlainFrame =>
  make(FrameType.returned, channel, u64(seen), u64(limit));
export const goAway = (kind: number): PlainFrame => make(FrameType.goAway, 0, bytesOf([kind, 0, 0, 0]), u32(0));
