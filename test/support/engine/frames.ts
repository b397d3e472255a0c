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
/** Bits of the capabilities; and all that this version knows, of a client that takes no calls, and of both that and a server that takes no flows, and listens for nobody. */
export const TAKEN = 0x01;
export const FLOWS = 0x02;
export const LISTEN = 0x04;
export const CALLS = 0x08;
export const RETURN = 0x10;
export const LONG_DATA = 0x40;
export const CAPABILITIES = 0x77;
export const WITHOUT_FLOWS = 0x71;
/** Of an end that knows nothing of capabilities. */
export const hello = ({ version = 1, secret = SESSION_SECRET, grace = 120_000 } = {}): PlainFrame =>
  make(FrameType.hello, 0, ...key(version, secret), u32(grace));
export const helloWith = (capabilities: number, secret: Uint8Array = SESSION_SECRET, heartbeat = 0): PlainFrame =>
  make(FrameType.hello, 0, ...key(1, secret), u32(120_000), u32(heartbeat), u32(capabilities));
/** What stands behind the capabilities in an answer. */
export const routed = (answer: PlainFrame, route: string): PlainFrame => ({
  ...answer,
  payload: join([answer.payload, bytesOf([route.length]), latin1(route)]),
});
export const resume = ({ version = 1, secret = SESSION_SECRET, attempt = 1, received = 0 } = {}): PlainFrame =>
  make(FrameType.resume, 0, ...key(version, secret), u32(attempt), u64(received));
/** The answer to RESUME, with what was agreed on HELLO. */
export const resumed = (attempt: number, received: number, grace: number, capabilities: number): PlainFrame =>
  make(FrameType.resume, 0, ...key(1, zeros(32)), u32(attempt), u64(received), u32(grace), u32(capabilities));
export const ack = (received: number | bigint): PlainFrame => make(FrameType.ack, 0, u64(received));
export const taken = (received: number | bigint, bytes: number | bigint): PlainFrame =>
  make(FrameType.taken, 0, u64(received), u64(bytes));
/** For any peer, unless there is a `host`. */
export const flow = (channel: number, host = '', port = 0): PlainFrame =>
  make(FrameType.flow, channel, bytesOf([host === '' ? 1 : 2, 0]), u16(port), latin1(host));
/** A listener for TCP, unless there is another `kind`. */
export const listen = (
  channel: number,
  { kind = 1, flags = 0, backlog = 0, port = 8080, bind = '', name = 'n' } = {},
): PlainFrame =>
  make(
    FrameType.listen,
    channel,
    bytesOf([kind, flags]),
    u16(backlog),
    u16(port),
    bytesOf([bind.length]),
    latin1(bind),
    bytesOf([name.length]),
    latin1(name),
  );
export const listening = (channel: number, address = '127.0.0.1', port = 8080): PlainFrame =>
  make(FrameType.listening, channel, u16(port), bytesOf([address.length]), latin1(address));
/** From 192.0.2.7:50000 to 192.0.2.1:8080. */
const ADDRESSES = [192, 0, 2, 7, 0xc3, 0x50, 192, 0, 2, 1, 0x1f, 0x90];
/** Of bytes, from an IPv4 address, unless there is another `kind` and `family`. */
export const incoming = (
  channel: number,
  listener: number,
  { kind = 1, family = 4, addresses = ADDRESSES, name = '', window = 65_536 } = {},
): PlainFrame =>
  make(
    FrameType.incoming,
    channel,
    u32(window),
    u32(listener),
    bytesOf([kind, family]),
    bytesOf(addresses),
    latin1(name),
  );
/** A call; `name` as it is on the wire, a character for each byte. */
export const call = (channel: number, name = 'news', { kind = 1, family = 0 } = {}): PlainFrame =>
  make(FrameType.incoming, channel, u32(65_536), u32(0), bytesOf([kind, family]), latin1(name));
/** For the one peer of its flow, unless there is an IPv4 address. */
export const datagram = (channel: number, bytes: string | Uint8Array, address?: number[], port = 53): PlainFrame =>
  make(
    FrameType.datagram,
    channel,
    bytesOf([0, address === undefined ? 0 : 4]),
    ...(address === undefined ? [] : [bytesOf(address), u16(port)]),
    bytesOf(bytes),
  );
export const ping = (value: number | bigint): PlainFrame => make(FrameType.ping, 0, u64(value));
export const pong = (value: number | bigint): PlainFrame => make(FrameType.pong, 0, u64(value));
export const window = (channel: number, limit: number | bigint): PlainFrame =>
  make(FrameType.window, channel, u64(limit));
export const giveBack = (channel: number, seen: number, keep: number): PlainFrame =>
  make(FrameType.return, channel, u64(seen), u64(keep));
export const returned = (channel: number, seen: number, limit: number): PlainFrame =>
  make(FrameType.returned, channel, u64(seen), u64(limit));
export const goAway = (kind: number): PlainFrame => make(FrameType.goAway, 0, bytesOf([kind, 0, 0, 0]), u32(0));
