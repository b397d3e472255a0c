import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TOKEN } from '../programs/command-line.js';
import { connectTo, readBytes, readHead, readToEnd } from '../sockets/application.js';

/** Header fields of a right upgrade request; a test replaces or removes (`undefined`) what it is about. */
export type UpgradeFields = Readonly<Record<string, string | undefined>>;

const FIELDS: UpgradeFields = {
  Host: 'localhost',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  'Sec-WebSocket-Protocol': 'wsproxy.v1',
  Authorization: `Bearer ${TOKEN}`,
};

/** RFC 6455 section 11.8. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  readonly fin?: boolean;
  readonly masked?: boolean;
  readonly rsv1?: boolean;
  /** What the header says, in place of the true length. */
  readonly declaredLength?: bigint;
}

/** A WebSocket frame by the letter of RFC 6455 section 5.2, or against it. */
export function webSocketFrame(opcode: number, payload: Buffer | string = '', options: FrameOptions = {}): Buffer {
  const { fin = true, masked = true, rsv1 = false, declaredLength } = options;
  const data = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  const length = lengthField(declaredLength ?? BigInt(data.length));
  length[0] = (length[0] ?? 0) | (masked ? 0x80 : 0);
  // A mask of zeros is as good as any other, and changes nothing.
  return Buffer.concat([Buffer.of(first), length, masked ? Buffer.alloc(4) : Buffer.alloc(0), data]);
}

function lengthField(length: bigint): Buffer {
  if (length < 126n) return Buffer.of(Number(length));
  if (length < 65_536n) return Buffer.of(126, Number(length >> 8n), Number(length & 0xffn));
  const field = Buffer.alloc(9, 127);
  field.writeBigUInt64BE(length, 1);
  return field;
}

/** A close frame with a code (RFC 6455 section 5.5.1). */
export function closeFrame(code: number, reason = '', options: FrameOptions = {}): Buffer {
  const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
  return webSocketFrame(Opcode.close, payload, options);
}

/** Asks for an upgrade; the status line and header of the answer, and the connection behind it. */
export async function requestUpgrade(
  port: number,
  fields: UpgradeFields = {},
  requestLine = 'GET / HTTP/1.1',
): Promise<{ head: string; status: number; socket: Socket }> {
  const socket = await connectTo(port);
  const lines = Object.entries({ ...FIELDS, ...fields }).filter(([, value]) => value !== undefined);
  socket.write(`${requestLine}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  const head = await readHead(socket);
  return { head, status: Number(head.split(' ')[1]), socket };
}

/** An open WebSocket to which a test writes what it likes, as bytes. */
export async function openRawWebSocket(port: number): Promise<RawWebSocket> {
  const { status, socket } = await requestUpgrade(port);
  if (status !== 101) throw new Error(`upgrade was answered ${status}`);
  return new RawWebSocket(socket);
}

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Either end of a WebSocket, once the upgrade is done. */
export class RawWebSocket {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(bytes: Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** The next frame of the peer, no matter what it is. */
  async next(): Promise<RawFrame> {
    const [first = 0, second = 0] = await readBytes(this.socket, 2);
    const short = second & 0x7f;
    const extended = short < 126 ? Buffer.of(short) : await readBytes(this.socket, short === 126 ? 2 : 8);
    const mask = (second & 0x80) === 0 ? Buffer.alloc(4) : await readBytes(this.socket, 4);
    const payload = await readBytes(this.socket, Number(`0x${extended.toString('hex')}`));
    return { opcode: first & 0x0f, payload: Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))) };
  }

  /** Reads until the peer closes, and gives its close code; 1005 for none, 1006 when the connection just ended. */
  async closeCode(): Promise<number> {
    for (;;) {
      const frame = await this.next().catch(() => undefined);
      if (frame === undefined) return 1006;
      if (frame.opcode === Opcode.close) return frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
    }
  }

  /** Reads until the connection is over. */
  async ended(): Promise<void> {
    await readToEnd(this.socket);
    this.socket.destroy();
  }
}
