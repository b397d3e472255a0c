import { allocate, readU32, readUtf8, utf8, writeU32 } from '../bytes.js';
import { INCOMING_FIXED_LENGTH, MAX_TEXT_LENGTH } from './frame.js';

/** INCOMING for listener 0: the server opens a channel to a service of the client (PROTOCOL.md section 8, "Calls"). */
export interface Call {
  /** What the server takes before the first WINDOW. */
  readonly window: number;
  /** What the client calls it: 1 to 255 bytes of UTF-8. */
  readonly service: string;
}

/** Undefined for a service that there is no frame for: no name, one that is too long, or half a character. */
export function encodeCall({ window, service }: Call): Uint8Array | undefined {
  const name = bytesOf(service);
  if (name === undefined) return undefined;
  const payload = allocate(INCOMING_FIXED_LENGTH + name.length);
  writeU32(payload, window, 0);
  writeU32(payload, NO_LISTENER, LISTENER_AT);
  payload[KIND_AT] = BYTES;
  payload[FAMILY_AT] = NO_ADDRESSES;
  payload.set(name, INCOMING_FIXED_LENGTH);
  return payload;
}

/** @throws TypeError for a name that no service can have */
export function checkServiceName(name: unknown): void {
  if (typeof name === 'string' && bytesOf(name) !== undefined) return;
  throw new TypeError(`not a name of a service: expected a text of 1 to ${MAX_TEXT_LENGTH} bytes`);
}

/** Whether the payload of an INCOMING is a call. */
export function isCall(payload: Uint8Array): boolean {
  return readU32(payload, LISTENER_AT) === NO_LISTENER;
}

/** Undefined for one with another kind, with addresses, or without a name that is text. */
export function decodeCall(payload: Uint8Array): Call | undefined {
  if (payload[KIND_AT] !== BYTES || payload[FAMILY_AT] !== NO_ADDRESSES) return undefined;
  const name = payload.subarray(INCOMING_FIXED_LENGTH);
  const service = name.length > MAX_TEXT_LENGTH ? '' : readUtf8(name);
  return service === undefined || service === '' ? undefined : { window: readU32(payload, 0), service };
}

function bytesOf(service: string): Uint8Array | undefined {
  const name = utf8(service);
  return name === undefined || name.length === 0 || name.length > MAX_TEXT_LENGTH ? undefined : name;
}

const LISTENER_AT = 4;
const NO_LISTENER = 0;
const KIND_AT = 8;
const BYTES = 1;
const FAMILY_AT = 9;
const NO_ADDRESSES = 0;
