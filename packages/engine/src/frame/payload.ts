import {
  allocate,
  copyOf,
  readLatin1,
  readU16,
  readU32,
  readU64,
  writeLatin1,
  writeU16,
  writeU32,
  writeU64,
  zeros,
} from '../bytes.js';
import { SESSION_ID_LENGTH, SESSION_SECRET_LENGTH } from '../constants.js';
import { violation } from '../errors.js';
import type { Target } from '../target.js';
import {
  FLOW_FIXED_LENGTH,
  HELLO_LENGTH,
  HELLO_WITH_CAPABILITIES_LENGTH,
  HELLO_WITH_HEARTBEAT_LENGTH,
  MAX_ROUTE_LENGTH,
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

/** What FLOW says: whom for. Undefined for any peer, as each datagram names its own. */
export interface OpenFlow {
  readonly target: Target | undefined;
}

/** Whom a session belongs to: chosen by the client, sent once in HELLO, proved in every RESUME. */
export interface SessionKey {
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
}

export interface Hello extends SessionKey {
  readonly version: number;
  /** How long a detached session is kept, ms: wished for by the client, decided by the server. */
  readonly grace: number;
  /** After how much silence either side sends PING, ms; undefined leaves it at what is usual. */
  readonly heartbeat?: number;
  /** What its sender can do, in the answer what both can; undefined for an end that knows of no such thing. */
  readonly capabilities?: number;
  /** In the answer, behind capabilities: where the session lives. `routeInHello` reads it. */
  readonly route?: string;
}

export interface Resume extends SessionKey {
  readonly version: number;
  /** Grows with every RESUME of a session, so that a late one cannot displace a newer transport. */
  readonly attempt: number;
  /** How many sequenced frames the sender has processed. */
  readonly received: number;
  /** In the answer: what was agreed on HELLO, since its answer may have been lost. `routeInResume` reads the route. */
  readonly agreed?: { readonly grace: number; readonly capabilities: number; readonly route?: string };
}

export function encodeOpen(open: Open): Uint8Array {
  const { host } = open.target;
  const payload = allocate(OPEN_FIXED_LENGTH + host.length);
  writeU32(payload, open.window, 0);
  writeU16(payload, open.target.port, 4);
  writeLatin1(payload, host, OPEN_FIXED_LENGTH);
  return payload;
}

export function decodeOpen(payload: Uint8Array): Open {
  return {
    window: readU32(payload, 0),
    target: { host: readLatin1(payload.subarray(OPEN_FIXED_LENGTH)), port: readU16(payload, 4) },
  };
}

/** Kinds of FLOW. */
const ANY_PEER = 1;
const ONE_PEER = 2;

export function encodeFlow({ target }: OpenFlow): Uint8Array {
  const host = target?.host ?? '';
  const payload = allocate(FLOW_FIXED_LENGTH + host.length);
  payload[0] = target === undefined ? ANY_PEER : ONE_PEER;
  payload[1] = 0;
  writeU16(payload, target?.port ?? 0, 2);
  writeLatin1(payload, host, FLOW_FIXED_LENGTH);
  return payload;
}

/** Undefined for a flow of a kind that is not known. */
export function decodeFlow(payload: Uint8Array): OpenFlow | undefined {
  const host = readLatin1(payload.subarray(FLOW_FIXED_LENGTH));
  if (payload[0] === ONE_PEER) return { target: { host, port: readU16(payload, 2) } };
  return payload[0] === ANY_PEER ? { target: undefined } : undefined;
}

export function encodeHello(hello: Hello): Uint8Array {
  const { heartbeat, capabilities, route } = hello;
  const payload = zeros(helloLength(hello) + (capabilities === undefined ? 0 : routeLength(route)));
  writeKey(payload, hello.version, hello);
  writeU32(payload, hello.grace, HELLO_LENGTH - 4);
  if (heartbeat !== undefined) writeU32(payload, heartbeat, HELLO_LENGTH);
  if (capabilities !== undefined) {
    writeU32(payload, capabilities, HELLO_WITH_HEARTBEAT_LENGTH);
    writeRoute(payload, route, HELLO_WITH_CAPABILITIES_LENGTH);
  }
  return payload;
}

/** Capabilities stand where they stand, whether there is a heartbeat or not. */
function helloLength({ heartbeat, capabilities }: Hello): number {
  if (capabilities !== undefined) return HELLO_WITH_CAPABILITIES_LENGTH;
  return heartbeat === undefined ? HELLO_LENGTH : HELLO_WITH_HEARTBEAT_LENGTH;
}

export function decodeHello(payload: Uint8Array): Hello {
  const heartbeat = payload.length < HELLO_WITH_HEARTBEAT_LENGTH ? 0 : readU32(payload, HELLO_LENGTH);
  return {
    ...readKey(payload),
    grace: readU32(payload, HELLO_LENGTH - 4),
    ...(heartbeat !== 0 && { heartbeat }),
    ...(payload.length >= HELLO_WITH_CAPABILITIES_LENGTH && {
      capabilities: readU32(payload, HELLO_WITH_HEARTBEAT_LENGTH),
    }),
  };
}

/** Where the session lives, as the answer to HELLO says; undefined if it does not. Not for a client's: what follows is not known there. */
export function routeInHello(payload: Uint8Array): string | undefined {
  return readRoute(payload, HELLO_WITH_CAPABILITIES_LENGTH);
}

export function encodeResume(resume: Resume): Uint8Array {
  const { agreed } = resume;
  const payload = zeros(agreed === undefined ? RESUME_LENGTH : RESUMED_LENGTH + routeLength(agreed.route));
  writeKey(payload, resume.version, resume);
  writeU32(payload, resume.attempt, RESUME_LENGTH - 12);
  writeU64(payload, resume.received, RESUME_LENGTH - 8);
  if (agreed !== undefined) {
    writeU32(payload, agreed.grace, RESUME_LENGTH);
    writeU32(payload, agreed.capabilities, RESUME_LENGTH + 4);
    writeRoute(payload, agreed.route, RESUMED_LENGTH);
  }
  return payload;
}

export function decodeResume(payload: Uint8Array): Resume {
  return {
    ...readKey(payload),
    attempt: readU32(payload, RESUME_LENGTH - 12),
    received: readCount(payload, RESUME_LENGTH - 8),
    ...(payload.length >= RESUMED_LENGTH && {
      agreed: { grace: readU32(payload, RESUME_LENGTH), capabilities: readU32(payload, RESUME_LENGTH + 4) },
    }),
  };
}

/** The same of the answer to RESUME. */
export function routeInResume(payload: Uint8Array): string | undefined {
  return readRoute(payload, RESUMED_LENGTH);
}

function routeLength(route: string | undefined): number {
  return route === undefined ? 0 : 1 + route.length;
}

function writeRoute(payload: Uint8Array, route: string | undefined, at: number): void {
  if (route === undefined) return;
  payload[at] = route.length;
  writeLatin1(payload, route, at + 1);
}

/** It goes into the head of a request later on, so nothing but visible ASCII is taken. */
function readRoute(payload: Uint8Array, at: number): string | undefined {
  const length = payload[at] ?? 0;
  const end = at + 1 + length;
  if (length === 0) return undefined;
  if (length > MAX_ROUTE_LENGTH || end > payload.length) throw violation('the length of a route is wrong');
  const route = readLatin1(payload.subarray(at + 1, end));
  if (!/^[\x21-\x7e]+$/.test(route)) throw violation('a route is not visible ASCII');
  return route;
}

/** u64 of ACK, WINDOW, PING and PONG. */
export function encodeCount(count: number): Uint8Array {
  const payload = allocate(8);
  writeU64(payload, count, 0);
  return payload;
}

/** The two u64 of TAKEN, RETURN and RETURNED. */
export function encodeCounts(first: number, second: number): Uint8Array {
  const payload = allocate(16);
  writeU64(payload, first, 0);
  writeU64(payload, second, 8);
  return payload;
}

/** Counts stay far below 2^53; a larger one is a lie, not a long session. */
export function readCount(payload: Uint8Array, offset = 0): number {
  const count = readU64(payload, offset);
  if (!Number.isSafeInteger(count)) throw violation('a 64-bit count is out of range');
  return count;
}

export function encodeWord(value: number): Uint8Array {
  const payload = allocate(4);
  writeU32(payload, value, 0);
  return payload;
}

/** What GOAWAY announces; a kind that is not known is ignored. */
export const GoAway = { drain: 1, migrate: 2, final: 3, refused: 4 } as const;
export type GoAway = (typeof GoAway)[keyof typeof GoAway];

/** kind u8, reserved u8 (3), deadline u32 in ms (0: none). */
export function encodeGoAway(kind: GoAway, deadline = 0): Uint8Array {
  const payload = zeros(8);
  payload[0] = kind;
  writeU32(payload, deadline, 4);
  return payload;
}

export function encodeFailure(wire: number): Uint8Array {
  const payload = allocate(2);
  writeU16(payload, wire, 0);
  return payload;
}

function writeKey(payload: Uint8Array, version: number, key: SessionKey): void {
  payload[0] = version;
  payload.set(key.id, 4);
  payload.set(key.secret, 4 + SESSION_ID_LENGTH);
}

function readKey(payload: Uint8Array): SessionKey & { version: number } {
  const secretAt = 4 + SESSION_ID_LENGTH;
  return {
    version: payload[0] as number,
    id: copyOf(payload.subarray(4, secretAt)),
    secret: copyOf(payload.subarray(secretAt, secretAt + SESSION_SECRET_LENGTH)),
  };
}
