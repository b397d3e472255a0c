/**
 * One packet of Wisp, by the specification of MercuryWorkshop, versions 1.2 and 2.0 draft 6 (CC-BY-4.0): a type, a stream, and the rest
 * of its message. Integers are little-endian. Stream 0 is the connection itself.
 */
export type Packet =
  | { readonly type: typeof PacketType.connect; readonly stream: number; readonly connect: ConnectRequest | undefined }
  | { readonly type: typeof PacketType.data; readonly stream: number; readonly data: Uint8Array }
  | { readonly type: typeof PacketType.continue; readonly stream: number }
  | { readonly type: typeof PacketType.close; readonly stream: number; readonly reason: number }
  | { readonly type: typeof PacketType.info; readonly stream: number; readonly payload: Uint8Array };

export const PacketType = { connect: 0x01, data: 0x02, continue: 0x03, close: 0x04, info: 0x05 } as const;

/** What a CONNECT asks for, as it says it: nobody has judged the host. */
export interface ConnectRequest {
  readonly kind: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

/** Of a type and a stream, bytes. */
const HEAD_LENGTH = 5;

/**
 * Undefined for what is no packet. A CONNECT whose payload is wrong is one, since it gets an answer: without `connect`. The bytes of DATA
 * and INFO are those of the message.
 */
export function readPacket(message: Buffer): Packet | undefined {
  if (message.length < HEAD_LENGTH) return undefined;
  const type = message.readUInt8(0);
  const stream = message.readUInt32LE(1);
  const payload = message.subarray(HEAD_LENGTH);
  switch (type) {
    case PacketType.connect:
      return { type, stream, connect: readConnect(payload) };
    case PacketType.data:
      return { type, stream, data: payload };
    case PacketType.continue:
      return { type, stream };
    case PacketType.close:
      // Some clients give none.
      return { type, stream, reason: payload[0] ?? CloseReason.unknown };
    case PacketType.info:
      return { type, stream, payload };
    default:
      return undefined;
  }
}

export function dataPacket(stream: number, data: Uint8Array): Buffer {
  const packet = packetOf(PacketType.data, stream, data.length);
  packet.set(data, HEAD_LENGTH);
  return packet;
}

/** `room`: so many packets the client may send from now on. */
export function continuePacket(stream: number, room: number): Buffer {
  const packet = packetOf(PacketType.continue, stream, 4);
  packet.writeUInt32LE(room, HEAD_LENGTH);
  return packet;
}

export function closePacket(stream: number, reason: number): Buffer {
  const packet = packetOf(PacketType.close, stream, 1);
  packet.writeUInt8(reason, HEAD_LENGTH);
  return packet;
}

export function infoPacket(payload: Uint8Array): Buffer {
  const packet = packetOf(PacketType.info, 0, payload.length);
  packet.set(payload, HEAD_LENGTH);
  return packet;
}

/** Why a stream is over; of stream 0 why the connection is. */
export const CloseReason = {
  unknown: 0x01,
  voluntary: 0x02,
  networkError: 0x03,
  incompatible: 0x04,
  invalid: 0x41,
  unreachable: 0x42,
  connectTimeout: 0x43,
  refused: 0x44,
  dataTimeout: 0x47,
  blocked: 0x48,
  throttled: 0x49,
  clientError: 0x81,
  wrongPassword: 0xc0,
  noPassword: 0xc2,
} as const;

function packetOf(type: number, stream: number, length: number): Buffer {
  const packet = Buffer.allocUnsafe(HEAD_LENGTH + length);
  packet.writeUInt8(type, 0);
  packet.writeUInt32LE(stream, 1);
  return packet;
}

/** The longest host that there can be, and spaces that some clients leave around it, bytes. */
const LONGEST_HOST = 512;

function readConnect(payload: Buffer): ConnectRequest | undefined {
  if (payload.length < 4 || payload.length > 3 + LONGEST_HOST) return undefined;
  const kind = KINDS[payload.readUInt8(0)];
  const port = payload.readUInt16LE(1);
  if (kind === undefined || port === 0) return undefined;
  return { kind, port, host: payload.toString('utf8', 3).trim() };
}

const KINDS: Readonly<Record<number, ConnectRequest['kind']>> = { 1: 'tcp', 2: 'udp' };
