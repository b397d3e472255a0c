import { SESSION_ID_LENGTH, SESSION_SECRET_LENGTH } from '../constants.js';
import { violation } from '../errors.js';
import type { Target } from '../target.js';
import {
  HELLO_LENGTH,
  HELLO_WITH_CAPABILITIES_LENGTH,
  HELLO_WITH_HEARTBEAT_LENGTH,
  OPEN_FIXED_LENGTH,
  RESUME_LENGTH,
  RESUMED_LENGTH,
} from './frame.js';

/** What OPEN says: where to, and how much the opener takes before the first WINDOW. */
export interface Open {
  readonly window: number;
  /** As it stood on the wire; whether it is a valid host is for the dialler to say. */
  readonly target: Target;
}

/** Whom a session belongs to: chosen by the client, sent once in HELLO, proved in every RESUME. */
export interface SessionKey {
  readonly id: Buffer;
  readonly secret: Buffer;
}

export interface Hello extends SessionKey {
  readonly version: number;
  /** How long a detached session is kept, ms: wished for by the client, decided by the server. */
  readonly grace: number;
  /** After how much silence either side sends PING, ms; undefined leaves it at what is usual. */
  readonly heartbeat?: number;
  /** What its sender can do, in the answer what both can; undefined for an end that knows of no such thing. */
  readonly capabilities?: number;
}

export interface Resume extends SessionKey {
  readonly version: number;
  /** Grows with every RESUME of a session, so that a late one cannot displace a newer transport. */
  readonly attempt: number;
  /** How many sequenced frames the sender has processed. */
  readonly received: number;
  /** In the answer: what was agreed on HELLO, since its answer may have been lost. */
  readonly agreed?: { readonly grace: number; readonly capabilities: number };
}

export function encodeOpen(open: Open): Buffer {
  const host = Buffer.from(open.target.host, 'latin1');
  const payload = Buffer.allocUnsafe(OPEN_FIXED_LENGTH + host.length);
  payload.writeUInt32BE(open.window, 0);
  payload.writeUInt16BE(open.target.port, 4);
  host.copy(payload, OPEN_FIXED_LENGTH);
  return payload;
}

export function decodeOpen(payload: Buffer): Open {
  return {
    window: payload.readUInt32BE(0),
    target: { host: payload.toString('latin1', OPEN_FIXED_LENGTH), port: payload.readUInt16BE(4) },
  };
}

export function encodeHello(hello: Hello): Buffer {
  const { heartbeat, capabilities } = hello;
  const payload = Buffer.alloc(helloLength(hello));
  writeKey(payload, hello.version, hello);
  payload.writeUInt32BE(hello.grace, HELLO_LENGTH - 4);
  if (heartbeat !== undefined) payload.writeUInt32BE(heartbeat, HELLO_LENGTH);
  if (capabilities !== undefined) payload.writeUInt32BE(capabilities, HELLO_WITH_HEARTBEAT_LENGTH);
  return payload;
}

/** Capabilities stand where they stand, whether there is a heartbeat or not. */
function helloLength({ heartbeat, capabilities }: Hello): number {
  if (capabilities !== undefined) return HELLO_WITH_CAPABILITIES_LENGTH;
  return heartbeat === undefined ? HELLO_LENGTH : HELLO_WITH_HEARTBEAT_LENGTH;
}

export function decodeHello(payload: Buffer): Hello {
  const heartbeat = payload.length < HELLO_WITH_HEARTBEAT_LENGTH ? 0 : payload.readUInt32BE(HELLO_LENGTH);
  return {
    ...readKey(payload),
    grace: payload.readUInt32BE(HELLO_LENGTH - 4),
    ...(heartbeat !== 0 && { heartbeat }),
    ...(payload.length >= HELLO_WITH_CAPABILITIES_LENGTH && {
      capabilities: payload.readUInt32BE(HELLO_WITH_HEARTBEAT_LENGTH),
    }),
  };
}

export function encodeResume(resume: Resume): Buffer {
  const { agreed } = resume;
  const payload = Buffer.alloc(agreed === undefined ? RESUME_LENGTH : RESUMED_LENGTH);
  writeKey(payload, resume.version, resume);
  payload.writeUInt32BE(resume.attempt, RESUME_LENGTH - 12);
  writeCount(payload, resume.received, RESUME_LENGTH - 8);
  if (agreed !== undefined) {
    payload.writeUInt32BE(agreed.grace, RESUME_LENGTH);
    payload.writeUInt32BE(agreed.capabilities, RESUME_LENGTH + 4);
  }
  return payload;
}

export function decodeResume(payload: Buffer): Resume {
  return {
    ...readKey(payload),
    attempt: payload.readUInt32BE(RESUME_LENGTH - 12),
    received: readCount(payload, RESUME_LENGTH - 8),
    ...(payload.length >= RESUMED_LENGTH && {
      agreed: { grace: payload.readUInt32BE(RESUME_LENGTH), capabilities: payload.readUInt32BE(RESUME_LENGTH + 4) },
    }),
  };
}

/** u64 of ACK, WINDOW, PING and PONG. */
export function encodeCount(count: number): Buffer {
  const payload = Buffer.allocUnsafe(8);
  writeCount(payload, count, 0);
  return payload;
}

/** The two u64 of RETURN and RETURNED. */
export function encodeCounts(first: number, second: number): Buffer {
  const payload = Buffer.allocUnsafe(16);
  writeCount(payload, first, 0);
  writeCount(payload, second, 8);
  return payload;
}

/** Counts stay far below 2^53; a larger one is a lie, not a long session. */
export function readCount(payload: Buffer, offset = 0): number {
  const count = payload.readUInt32BE(offset) * 0x1_0000_0000 + payload.readUInt32BE(offset + 4);
  if (!Number.isSafeInteger(count)) throw violation('a 64-bit count is out of range');
  return count;
}

export function encodeWord(value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value, 0);
  return payload;
}

/** What GOAWAY announces; a kind that is not known is ignored. */
export const GoAway = { drain: 1, migrate: 2, final: 3, refused: 4 } as const;
export type GoAway = (typeof GoAway)[keyof typeof GoAway];

/** kind u8, reserved u8 (3), deadline u32 in ms (0: none). */
export function encodeGoAway(kind: GoAway, deadline = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload[0] = kind;
  payload.writeUInt32BE(deadline, 4);
  return payload;
}

export function encodeFailure(wire: number): Buffer {
  const payload = Buffer.allocUnsafe(2);
  payload.writeUInt16BE(wire, 0);
  return payload;
}

function writeCount(payload: Buffer, count: number, offset: number): void {
  payload.writeUInt32BE(Math.floor(count / 0x1_0000_0000), offset);
  payload.writeUInt32BE(count % 0x1_0000_0000, offset + 4);
}

function writeKey(payload: Buffer, version: number, key: SessionKey): void {
  payload[0] = version;
  key.id.copy(payload, 4);
  key.secret.copy(payload, 4 + SESSION_ID_LENGTH);
}

function readKey(payload: Buffer): SessionKey & { version: number } {
  const secretAt = 4 + SESSION_ID_LENGTH;
  return {
    version: payload.readUInt8(0),
    id: Buffer.from(payload.subarray(4, secretAt)),
    secret: Buffer.from(payload.subarray(secretAt, secretAt + SESSION_SECRET_LENGTH)),
  };
}
