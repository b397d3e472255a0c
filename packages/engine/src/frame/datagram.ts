import { allocate, allocateAlone, readLatin1, readU16, writeLatin1, writeU16, zeros } from '../bytes.js';
import { addressBytes, addressText } from '../ip-bytes.js';
import { parseHost, parsePort, type Target } from '../target.js';
import { MAX_PAYLOAD } from './frame.js';

/** How the peer of a datagram is written: not at all, by its address, by its name. */
const Family = { none: 0, ipv4: 4, ipv6: 6, name: 3 } as const;
/** flags u8, family u8. */
const FIXED_LENGTH = 2;
const PORT_LENGTH = 2;
/** In front of a name. */
const LENGTH_LENGTH = 1;
const ADDRESS_LENGTHS: Readonly<Record<number, number>> = { [Family.ipv4]: 4, [Family.ipv6]: 16 };

/** What stands in front of the data for the one peer of a flow. */
export const NO_PEER: Uint8Array = zeros(FIXED_LENGTH);

/** The payload of DATAGRAM behind `head`, in memory of its own, since it may wait; undefined when it is too long. */
export function encodeDatagram(head: Uint8Array, data: Uint8Array): Uint8Array | undefined {
  const { length } = head;
  if (length + data.length > MAX_PAYLOAD) return undefined;
  const payload = allocateAlone(length + data.length);
  payload.set(head);
  payload.set(data, length);
  return payload;
}

/** What stands in front of the data for `peer`; undefined when there can be none of this name. */
export function encodeHead({ host, port }: Target): Uint8Array | undefined {
  if (parsePort(String(port)) === undefined) return undefined;
  const address = addressBytes(host);
  if (address === undefined && parseHost(host) === undefined) return undefined;
  const family = address === undefined ? Family.name : address.length === 4 ? Family.ipv4 : Family.ipv6;
  const at = FIXED_LENGTH + (address === undefined ? LENGTH_LENGTH + host.length : address.length);
  const head = allocate(at + PORT_LENGTH);
  head[0] = 0;
  head[1] = family;
  if (address !== undefined) {
    head.set(address, FIXED_LENGTH);
  } else {
    head[FIXED_LENGTH] = host.length;
    writeLatin1(head, host, FIXED_LENGTH + LENGTH_LENGTH);
  }
  writeU16(head, port, at);
  return head;
}

/** What DATAGRAM brings. */
export interface Datagram {
  /** Undefined: the one peer of its flow. */
  readonly peer: Target | undefined;
  /** A view. */
  readonly data: Uint8Array;
}

/** Undefined for one that is not to be understood: it is dropped. */
export function decodeDatagram(payload: Uint8Array): Datagram | undefined {
  const length = headLength(payload);
  if (payload[0] !== 0 || length === undefined || length > payload.length) return undefined;
  const data = payload.subarray(length);
  const family = payload[1];
  if (family === Family.none) return { peer: undefined, data };
  const end = length - PORT_LENGTH;
  const host =
    family === Family.name
      ? parseHost(readLatin1(payload.subarray(FIXED_LENGTH + LENGTH_LENGTH, end)))
      : addressText(payload.subarray(FIXED_LENGTH, end));
  const port = readU16(payload, end);
  return host === undefined || port === 0 ? undefined : { peer: { host, port }, data };
}

/** Bytes of `payload` in front of the data; undefined for a family that is not known. */
export function headLength(payload: Uint8Array): number | undefined {
  const family = payload[1] as number;
  if (family === Family.none) return FIXED_LENGTH;
  if (family === Family.name) return FIXED_LENGTH + LENGTH_LENGTH + (payload[FIXED_LENGTH] ?? 0) + PORT_LENGTH;
  const length = ADDRESS_LENGTHS[family];
  return length === undefined ? undefined : FIXED_LENGTH + length + PORT_LENGTH;
}
