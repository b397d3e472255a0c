import { SESSION_ID_LENGTH, SESSION_SECRET_LENGTH } from '../constants.js';

/** Type byte of a frame (PROTOCOL.md, "Frames"). */
export const FrameType = {
  open: 0x01,
  openOk: 0x02,
  openFail: 0x03,
  data: 0x04,
  fin: 0x05,
  reset: 0x06,
  hello: 0x80,
  resume: 0x81,
  ack: 0x82,
  ping: 0x83,
  pong: 0x84,
  window: 0x85,
  goAway: 0x86,
  return: 0x88,
  returned: 0x89,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

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

/** type u8, flags u8, length u16, channel u32; all integers are big-endian. */
export const HEADER_LENGTH = 8;
export const MAX_PAYLOAD = 65_535;
/** Channel number of the frames that concern the session. */
export const SESSION_CHANNEL = 0;

/** OPEN carries window u32, port u16 and 1 to 255 bytes of host. */
export const OPEN_FIXED_LENGTH = 6;
const MAX_HOST_LENGTH = 255;
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

/** Smallest and largest payload of each type, checked before a byte of it is kept. */
export const PAYLOAD_LIMITS: Readonly<Record<number, readonly [min: number, max: number]>> = {
  [FrameType.open]: [OPEN_FIXED_LENGTH + 1, OPEN_FIXED_LENGTH + MAX_HOST_LENGTH],
  [FrameType.openOk]: [4, 4],
  [FrameType.openFail]: [2, 2],
  [FrameType.data]: [1, MAX_PAYLOAD],
  [FrameType.fin]: [0, 0],
  [FrameType.reset]: [2, 2],
  [FrameType.hello]: [HELLO_LENGTH, MAX_HANDSHAKE],
  [FrameType.resume]: [RESUME_LENGTH, MAX_HANDSHAKE],
  [FrameType.ack]: [8, 8],
  [FrameType.ping]: [8, 8],
  [FrameType.pong]: [8, 8],
  [FrameType.window]: [8, 8],
  [FrameType.goAway]: [8, 8],
  [FrameType.return]: [16, 16],
  [FrameType.returned]: [16, 16],
};

const OF_CHANNEL: ReadonlySet<number> = new Set([FrameType.window, FrameType.return, FrameType.returned]);

/** The types whose frames concern one channel; all others concern the session and carry channel 0. */
export function belongsToChannel(type: number): boolean {
  return isSequenced(type) || OF_CHANNEL.has(type);
}
