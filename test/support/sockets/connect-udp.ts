import type { Socket } from 'node:net';
import { connectTo, readHead } from './application.js';

/** RFC 9297 section 3.5: the capsule that holds a datagram, and RFC 9298 section 5: its context, that of UDP payloads. */
const DATAGRAM = 0;
const UDP_PAYLOAD = 0;

/** UDP to one destination by an HTTP proxy (RFC 9298), spoken by hand over HTTP/1.1. */
export interface UdpCapsules {
  readonly socket: Socket;
  send(data: Uint8Array): void;
}

/** Tells every datagram that comes to `onDatagram`. */
export async function connectUdp(
  proxyPort: number,
  host: string,
  hostPort: number,
  onDatagram: (data: Buffer) => void,
): Promise<UdpCapsules> {
  const socket = await connectTo(proxyPort);
  const path = `/.well-known/masque/udp/${encodeURIComponent(host)}/${hostPort}/`;
  const fields = ['Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: connect-udp', 'Capsule-Protocol: ?1'];
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`);
  const head = await readHead(socket);
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head);
  let waiting = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let capsule = readCapsule(waiting); capsule !== undefined; capsule = readCapsule(waiting)) {
      waiting = waiting.subarray(capsule.end);
      const [context, begin] = readVarint(capsule.value, 0) ?? [-1, 0];
      if (capsule.type === DATAGRAM && context === UDP_PAYLOAD) onDatagram(capsule.value.subarray(begin));
    }
  });
  socket.resume();
  const send = (data: Uint8Array) =>
    socket.write(Buffer.concat([varint(DATAGRAM), varint(1 + data.length), varint(UDP_PAYLOAD), data]));
  return { socket, send };
}

function readCapsule(bytes: Buffer): { type: number; value: Buffer; end: number } | undefined {
  const [type, afterType] = readVarint(bytes, 0) ?? [];
  if (type === undefined || afterType === undefined) return undefined;
  const [length, begin] = readVarint(bytes, afterType) ?? [];
  if (length === undefined || begin === undefined || bytes.length < begin + length) return undefined;
  return { type, value: bytes.subarray(begin, begin + length), end: begin + length };
}

/** A number of up to 30 bits (RFC 9000 section 16), and where it ends; undefined while it is not whole. */
function readVarint(bytes: Buffer, at: number): [value: number, end: number] | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = 1 << (first >> 6);
  if (bytes.length < at + length) return undefined;
  const rest = bytes.subarray(at + 1, at + length);
  return [rest.reduce((value, byte) => value * 256 + byte, first & 0x3f), at + length];
}

function varint(value: number): Buffer {
  if (value < 0x40) return Buffer.of(value);
  if (value < 0x4000) return Buffer.of(0x40 | (value >> 8), value & 0xff);
  return Buffer.of(0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}
