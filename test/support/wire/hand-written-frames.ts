// Frames written down from PROTOCOL.md, on purpose without the encoder of the product.

export const Type = {
  open: 0x01,
  openOk: 0x02,
  openFail: 0x03,
  data: 0x04,
  fin: 0x05,
  reset: 0x06,
  listen: 0x07,
  listening: 0x08,
  incoming: 0x0a,
  hello: 0x80,
  resume: 0x81,
  ack: 0x82,
  ping: 0x83,
  pong: 0x84,
  window: 0x85,
  goAway: 0x86,
} as const;

const HEADER = 8;

/** A frame in hexadecimal: type, flags, length, channel, payload. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

export function frame(type: number, channel: number, payload: Buffer | string = '', flags = 0): Buffer {
  const data = Buffer.from(payload);
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(type, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt16BE(data.length, 2);
  header.writeUInt32BE(channel, 4);
  return Buffer.concat([header, data]);
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Bits of the capabilities. */
export const Capability = { taken: 0x01, flows: 0x02, listen: 0x04, calls: 0x08 } as const;

export interface Key {
  readonly id: Buffer;
  readonly secret: Buffer;
}

/** A session key whose bytes all have one value: easy to see in a failing test. */
export function key(value: number): Key {
  return { id: Buffer.alloc(16, value), secret: Buffer.alloc(32, value) };
}

/** With `capabilities`: that of an end that knows them, and has no wish for its heartbeat. */
export function hello({ id, secret }: Key, version = 1, capabilities?: number): Buffer {
  const known = capabilities === undefined ? Buffer.alloc(0) : Buffer.concat([u32(0), u32(capabilities)]);
  return frame(Type.hello, 0, Buffer.concat([Buffer.of(version, 0, 0, 0), id, secret, hex('0001 d4c0'), known]));
}

export function resume({ id, secret }: Key, attempt: number, received: number | bigint, version = 1): Buffer {
  const attemptBytes = Buffer.alloc(4);
  attemptBytes.writeUInt32BE(attempt);
  return frame(Type.resume, 0, Buffer.concat([Buffer.of(version, 0, 0, 0), id, secret, attemptBytes, u64(received)]));
}

/** OPEN with a window of 256 KiB. */
export function open(channel: number, host: Buffer | string, port: number): Buffer {
  return frame(
    Type.open,
    channel,
    Buffer.concat([hex('0004 0000'), Buffer.of(port >> 8, port & 0xff), Buffer.from(host)]),
  );
}

/** LISTENING: where a server listens. */
export function listening(channel: number, host = '127.0.0.1', port = 8_000): Buffer {
  return frame(
    Type.listening,
    channel,
    Buffer.concat([Buffer.of(port >> 8, port & 0xff, Buffer.byteLength(host)), Buffer.from(host)]),
  );
}

/** INCOMING for a listener, of `kind` 1 (bytes) or 2 (datagrams), from 192.0.2.7:50000 to 127.0.0.1:8000, or in other words. */
export function incoming(channel: number, listener: number, kind = 1, from: Buffer = PEERS): Buffer {
  return frame(Type.incoming, channel, Buffer.concat([u32(65_536), u32(listener), Buffer.of(kind), from]));
}

/** A call to a service of the client. */
export function call(channel: number, service: string): Buffer {
  return incoming(channel, 0, 1, Buffer.concat([Buffer.of(0), Buffer.from(service)]));
}

/** The family, who has come and where to. */
const PEERS = hex('04 c0000207 c350 7f000001 1f40');

export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

/** The whole frames at the beginning of `bytes`, and what is left. */
export function readFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const end = at + HEADER + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at),
      channel: bytes.readUInt32BE(at + 4),
      payload: bytes.subarray(at + HEADER, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}
