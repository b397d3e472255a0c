import { allocate, readLatin1, readU16, readU32, readUtf8, utf8, writeLatin1, writeU16, writeU32 } from '../bytes.js';
import { violation } from '../errors.js';
import { addressBytes, addressText } from '../ip-bytes.js';
import { parseHost, type Target } from '../target.js';
import { INCOMING_FIXED_LENGTH, LISTEN_FIXED_LENGTH, LISTENING_FIXED_LENGTH, MAX_TEXT_LENGTH } from './frame.js';

/** What a client asks a server to listen on. */
export interface ListenRequest {
  readonly kind: ListenKind;
  /** An address literal, `*` for every address, or nothing for the server's choice; a path (`unix`), or a host name (`http`, `tls`). */
  readonly bind: string;
  /** 0: any that the server chooses, and where there is none. */
  readonly port: number;
  /** Arrivals that may wait to be answered; 0: as many as the server allows. */
  readonly backlog: number;
  /** What it is called among those of its user, up to 255 bytes: two of one name are one listener of several clients. */
  readonly name: string;
  /** Another session of the same user that has it loses it to this one; else this one stands in line. */
  readonly takesOver: boolean;
  /** Another port will do if this one is taken. */
  readonly anyPort: boolean;
}

/** By its number on the wire, from 1 on. */
const KINDS = ['tcp', 'udp', 'unix', 'http', 'tls'] as const;
export type ListenKind = (typeof KINDS)[number];

/** One connection, or one peer of datagrams, that has come to a remote listener. It is the server's word. */
export interface Arrival {
  /** Whom it is from, and the address that it came to: both of one family, or neither where there are none. */
  readonly peer: Target | undefined;
  readonly local: Target | undefined;
  /** The host name that was asked for (`http`, `tls`), else empty. */
  readonly name: string;
}

/** What INCOMING says. */
export interface Incoming {
  /** What the server takes before the first WINDOW; 0 of a flow. */
  readonly window: number;
  /** Number of the listener that it has come to. */
  readonly listener: number;
  readonly isFlow: boolean;
  readonly arrival: Arrival;
}

const TAKES_OVER = 0x01;
const ANY_PORT = 0x02;

/** Undefined for what there is no frame for: a number that is too high, a text that is too long, or none. */
export function encodeListen(request: ListenRequest): Uint8Array | undefined {
  const { backlog, port } = request;
  const [bind, name] = [textOf(request.bind), textOf(request.name)];
  if (bind === undefined || name === undefined || !isU16(backlog) || !isU16(port)) return undefined;
  const payload = allocate(LISTEN_FIXED_LENGTH + bind.length + name.length);
  payload[0] = KINDS.indexOf(request.kind) + 1;
  payload[1] = (request.takesOver ? TAKES_OVER : 0) | (request.anyPort ? ANY_PORT : 0);
  writeU16(payload, backlog, 2);
  writeU16(payload, port, 4);
  writeText(payload, name, writeText(payload, bind, 6));
  return payload;
}

/** Undefined for a kind, a flag or a text that is not known; throws where the lengths are not right. */
export function decodeListen(payload: Uint8Array): ListenRequest | undefined {
  const bind = takeText(payload, 6);
  const name = takeText(payload, 7 + bind.length);
  if (LISTEN_FIXED_LENGTH + bind.length + name.length !== payload.length) throw violation('LISTEN is too long');
  const kind = KINDS[(payload[0] as number) - 1];
  const flags = payload[1] as number;
  const texts = { bind: readUtf8(bind), name: readUtf8(name) };
  if (kind === undefined || flags > (TAKES_OVER | ANY_PORT)) return undefined;
  if (texts.bind === undefined || texts.name === undefined) return undefined;
  const numbers = { backlog: readU16(payload, 2), port: readU16(payload, 4) };
  const wishes = { takesOver: (flags & TAKES_OVER) !== 0, anyPort: (flags & ANY_PORT) !== 0 };
  return { kind, bind: texts.bind, name: texts.name, ...numbers, ...wishes };
}

/** Where a server listens; undefined for an address that there is no frame for. */
export function encodeListening({ host, port }: Target): Uint8Array | undefined {
  const address = textOf(host);
  if (address === undefined || !isU16(port)) return undefined;
  const payload = allocate(LISTENING_FIXED_LENGTH + address.length);
  writeU16(payload, port, 0);
  writeText(payload, address, 2);
  return payload;
}

/** Throws for anything but an address. */
export function decodeListening(payload: Uint8Array): Target {
  const address = takeText(payload, 2);
  const host = readUtf8(address);
  if (host === undefined || LISTENING_FIXED_LENGTH + address.length !== payload.length) {
    throw violation('LISTENING tells no address');
  }
  return { host, port: readU16(payload, 0) };
}

/** Kinds of INCOMING. */
const BYTES = 1;
const FLOW = 2;

export function encodeIncoming({ window, listener, isFlow, arrival }: Incoming): Uint8Array {
  const addresses = addressesOf(arrival);
  const name = parseHost(arrival.name) ?? '';
  const payload = allocate(INCOMING_FIXED_LENGTH + addresses.length + name.length);
  writeU32(payload, window, 0);
  writeU32(payload, listener, 4);
  payload[8] = isFlow ? FLOW : BYTES;
  payload[9] = FAMILIES.find((family) => ADDRESS_LENGTHS[family] === addresses.length / 2) ?? 0;
  payload.set(addresses, INCOMING_FIXED_LENGTH);
  writeLatin1(payload, name, INCOMING_FIXED_LENGTH + addresses.length);
  return payload;
}

/** Undefined for one of a kind or a family that is not known, or without what belongs to it: it is refused. */
export function decodeIncoming(payload: Uint8Array): Incoming | undefined {
  const kind = payload[8];
  const length = ADDRESS_LENGTHS[payload[9] as number];
  if ((kind !== BYTES && kind !== FLOW) || length === undefined) return undefined;
  const localAt = INCOMING_FIXED_LENGTH + length;
  const nameAt = localAt + length;
  if (nameAt > payload.length) return undefined;
  const peer = readAddress(payload.subarray(INCOMING_FIXED_LENGTH, localAt));
  const local = readAddress(payload.subarray(localAt, nameAt));
  const spelt = readLatin1(payload.subarray(nameAt));
  const name = spelt === '' ? '' : parseHost(spelt);
  // A flow is with the one peer that it names.
  const isWhole = length === 0 ? kind === BYTES : peer !== undefined && local !== undefined;
  if (name === undefined || !isWhole) return undefined;
  const [window, listener] = [readU32(payload, 0), readU32(payload, 4)];
  return { window, listener, isFlow: kind === FLOW, arrival: { peer, local, name } };
}

const FAMILIES = [0, 4, 6] as const;
/** Of an address with its port, by its family. */
const ADDRESS_LENGTHS: Readonly<Record<number, number>> = { 0: 0, 4: 6, 6: 18 };
const PORT_LENGTH = 2;

/** Nothing unless both are there, of one family. */
function addressesOf({ peer, local }: Arrival): number[] {
  if (peer === undefined || local === undefined) return [];
  const [from, to] = [addressBytes(peer.host), addressBytes(local.host)];
  if (from === undefined || from.length !== to?.length) return [];
  return [...from, ...portBytes(peer), ...to, ...portBytes(local)];
}

function portBytes({ port }: Target): number[] {
  return [port >>> 8, port & 0xff];
}

/** Undefined for none, or port 0. */
function readAddress(bytes: Uint8Array): Target | undefined {
  const end = bytes.length - PORT_LENGTH;
  const port = end < 0 ? 0 : readU16(bytes, end);
  return port === 0 ? undefined : { host: addressText(bytes.subarray(0, end)), port };
}

function isU16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff;
}

/** Undefined for one that is too long, or has half a character. */
function textOf(text: string): Uint8Array | undefined {
  const bytes = utf8(text);
  return bytes !== undefined && bytes.length <= MAX_TEXT_LENGTH ? bytes : undefined;
}

/** With its length in front. Returns where it ends. */
function writeText(payload: Uint8Array, text: Uint8Array, at: number): number {
  payload[at] = text.length;
  payload.set(text, at + 1);
  return at + 1 + text.length;
}

function takeText(payload: Uint8Array, at: number): Uint8Array {
  const end = at + 1 + (payload[at] ?? payload.length);
  if (end > payload.length) throw violation('a text is longer than its frame');
  return payload.subarray(at + 1, end);
}
