import { SESSION_ID_LENGTH, SESSION_SECRET_LENGTH } from '../constants.js';

/** Type byte of a frame (PROTOCOL.md, "Frames"). */
export const FrameType = {
  open: 0x01,
  openOk: 0x02,
  openFail: 0x03,
  data: 0x04,
  fin: 0x05,
  reset: 0x06,
  listen: 0x07,
  listening: 0x08,
  flow: 0x09,
  incoming: 0x0a,
  longData: 0x0b,
  hello: 0x80,
  resume: 0x81,
  ack: 0x82,
  ping: 0x83,
  pong: 0x84,
  window: 0x85,
  goAway: 0x86,
  taken: 0x87,
  return: 0x88,
  returned: 0x89,
  datagram: 0xc8,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** A frame before it is encoded. */
export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Uint8Array | undefined;
}

/** Frames with this bit are not counted, not replayed. */
const UNSEQUENCED = 0x80;
/** A receiver that does not know the type skips the frame instead of failing; only unsequenced types may have it. */
const IGNORABLE = 0x40;

export function isSequenced(type: number): boolean {
  return (type & UNSEQUENCED) === 0;
}

export function isIgnorable(type: number): boolean {
  return (type & (UNSEQUENCED | IGNORABLE)) === (UNSEQUENCED | IGNORABLE);
}

/** type u8, flags u8, length u16, channel u32; all integers are big-endian. In LONG_DATA flags and length are one u24. */
export const HEADER_LENGTH = 8;
export const MAX_PAYLOAD = 65_535;
/** Of LONG_DATA. */
export const MAX_LONG_PAYLOAD = 262_144;
/** Channel number of the frames that concern the session. */
export const SESSION_CHANNEL = 0;

/** OPEN carries window u32, port u16 and 1 to 255 bytes of host. */
export const OPEN_FIXED_LENGTH = 6;
const MAX_HOST_LENGTH = 255;
/** FLOW carries kind u8, reserved u8, port u16 and up to as many bytes of host. */
export const FLOW_FIXED_LENGTH = 4;
/** What LISTEN and LISTENING carry beside their texts, which have a length u8 in front of them each. */
export const LISTEN_FIXED_LENGTH = 8;
export const LISTENING_FIXED_LENGTH = 3;
export const MAX_TEXT_LENGTH = 255;
/** INCOMING carries window u32, listener u32, kind u8, family u8, up to two addresses and ports, and up to 255 bytes of host. */
export const INCOMING_FIXED_LENGTH = 10;
const MAX_ADDRESSES_LENGTH = 36;
/** HELLO and RESUME may grow: what follows the known fields is ignored up to here. */
const MAX_HANDSHAKE = 1024;
/** version u8, reserved u8 (3), session id, secret, grace u32. */
export const HELLO_LENGTH: number = 8 + SESSION_ID_LENGTH + SESSION_SECRET_LENGTH;
/** The same, and heartbeat u32. */
export const HELLO_WITH_HEARTBEAT_LENGTH: number = HELLO_LENGTH + 4;
/** The same, and capabilities u32. */
export const HELLO_WITH_CAPABILITIES_LENGTH: number = HELLO_WITH_HEARTBEAT_LENGTH + 4;
/** version u8, reserved u8 (3), session id, secret, attempt u32, received u64. */
export const RESUME_LENGTH: number = 16 + SESSION_ID_LENGTH + SESSION_SECRET_LENGTH;
/** In the answer: the same, grace u32 and capabilities u32. */
export const RESUMED_LENGTH: number = RESUME_LENGTH + 8;
/** Behind the capabilities an answer has a length u8, and a route of up to so many bytes. */
export const MAX_ROUTE_LENGTH = 64;

/** Smallest and largest payload of each type, checked before a byte of it is kept. */
export const PAYLOAD_LIMITS: Readonly<Record<number, readonly [min: number, max: number]>> = {
  [FrameType.open]: [OPEN_FIXED_LENGTH + 1, OPEN_FIXED_LENGTH + MAX_HOST_LENGTH],
  [FrameType.openOk]: [4, 4],
  [FrameType.openFail]: [2, 2],
  [FrameType.data]: [1, MAX_PAYLOAD],
  [FrameType.fin]: [0, 0],
  [FrameType.reset]: [2, 2],
  [FrameType.listen]: [LISTEN_FIXED_LENGTH, LISTEN_FIXED_LENGTH + 2 * MAX_TEXT_LENGTH],
  [FrameType.listening]: [LISTENING_FIXED_LENGTH, LISTENING_FIXED_LENGTH + MAX_TEXT_LENGTH],
  [FrameType.flow]: [FLOW_FIXED_LENGTH, FLOW_FIXED_LENGTH + MAX_HOST_LENGTH],
  [FrameType.incoming]: [INCOMING_FIXED_LENGTH, INCOMING_FIXED_LENGTH + MAX_ADDRESSES_LENGTH + MAX_HOST_LENGTH],
  [FrameType.longData]: [MAX_PAYLOAD + 1, MAX_LONG_PAYLOAD],
  [FrameType.hello]: [HELLO_LENGTH, MAX_HANDSHAKE],
  [FrameType.resume]: [RESUME_LENGTH, MAX_HANDSHAKE],
  [FrameType.ack]: [8, 8],
  [FrameType.ping]: [8, 8],
  [FrameType.pong]: [8, 8],
  [FrameType.window]: [8, 8],
  [FrameType.goAway]: [8, 8],
  [FrameType.taken]: [16, 16],
  [FrameType.return]: [16, 16],
  [FrameType.returned]: [16, 16],
  [FrameType.datagram]: [2, MAX_PAYLOAD],
};

const OF_CHANNEL: ReadonlySet<number> = new Set([
  FrameType.window,
  FrameType.return,
  FrameType.returned,
  FrameType.datagram,
]);

/** The type of a frame with so many bytes of an application. */
export function dataTypeFor(length: number): FrameType {
  return length > MAX_PAYLOAD ? FrameType.longData : FrameType.data;
}

/** Begins a channel, or a flow. */
export function isOpening(type: number): boolean {
  return type === FrameType.open || type === FrameType.flow || type === FrameType.incoming;
}

export function isData(type: number): boolean {
  return type === FrameType.data || type === FrameType.longData;
}

/** The types whose frames concern one channel, flow or listener; all others concern the session and carry channel 0. */
export function belongsToChannel(type: number): boolean {
  return isSequenced(type) || OF_CHANNEL.has(type);
}

/** Bytes of a frame on the wire. */
export function wireLength({ payload }: Frame): number {
  return HEADER_LENGTH + (payload === undefined ? 0 : payload.length);
}
