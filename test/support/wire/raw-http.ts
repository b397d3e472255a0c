import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TOKEN } from '../programs/command-line.js';
import { connectTo, readHead } from '../sockets/application.js';
import { until } from '../until.js';
import type { UpgradeFields } from './raw-websocket.js';

/** 16 random bytes. */
export function newId(): string {
  return randomBytes(16).toString('base64url');
}

/** A record of PROTOCOL.md section 13; `length` in place of the true one. */
export function record(kind: number, content: Buffer | string = '', length?: number): Buffer {
  const data = Buffer.from(content);
  const head = Buffer.of(kind, 0, 0, 0);
  head.writeUIntBE(length ?? data.length, 1, 3);
  return Buffer.concat([head, data]);
}

/** One chunk of a body without length (RFC 9112 section 7.1), with what follows its size. */
export function chunk(data: Buffer | string, extension = ''): Buffer {
  const bytes = Buffer.from(data);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** The head of a request for a transport; a test replaces or removes (`undefined`) what it is about. */
export function headOf(part: string, fields: UpgradeFields = {}): string {
  const all = { Host: 'localhost', Authorization: `Bearer ${TOKEN}`, 'Wsproxy-Transport': part, ...fields };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `POST / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** Sends the head of a request, and what there is of its body; nothing is read of the answer. */
export async function post(
  port: number,
  part: string,
  body: Buffer | string = '',
  fields: UpgradeFields = { 'Content-Length': String(body.length) },
): Promise<Socket> {
  const socket = await connectTo(port);
  socket.write(Buffer.concat([Buffer.from(headOf(part, fields)), Buffer.from(body)]));
  return socket;
}

/** The status of the answer to the same. */
export async function statusOf(...request: Parameters<typeof post>): Promise<number> {
  const socket = await post(...request);
  const status = await answered(socket);
  socket.destroy();
  return status;
}

/** The status of the answer that comes on `socket`. */
export async function answered(socket: Socket): Promise<number> {
  return Number((await readHead(socket)).split(' ')[1]);
}

/** A transport over HTTP whose requests a test makes by itself. */
export class RawHttpPeer {
  readonly id = newId();
  readonly port: number;
  readonly #fields: UpgradeFields;
  /** The way down; undefined for polls. */
  down: Socket | undefined;
  #piece = 0;

  private constructor(port: number, fields: UpgradeFields) {
    this.port = port;
    this.#fields = fields;
  }

  static async open(
    port: number,
    what: 'open' | 'open-poll' = 'open',
    fields: UpgradeFields = {},
  ): Promise<RawHttpPeer> {
    const peer = new RawHttpPeer(port, fields);
    const socket = await post(port, `${peer.id};${what}`, '', { ...fields, 'Content-Length': '0' });
    const status = await answered(socket);
    if (status !== 200) throw new Error(`${what} was answered ${status}`);
    if (what === 'open') peer.down = socket;
    return peer;
  }

  /** Sends frames by the next piece, and resolves with the status of the answer. */
  send(...frames: readonly Buffer[]): Promise<number> {
    this.#piece += 1;
    return this.status(`piece=${this.#piece}`, record(0, Buffer.concat(frames)));
  }

  status(what: string, body: Buffer | string = ''): Promise<number> {
    return statusOf(this.port, `${this.id};${what}`, body, this.#fieldsWith({ 'Content-Length': String(body.length) }));
  }

  /** Begins a request, and resolves when its head has been sent. */
  begin(what: string, body: Buffer | string = '', fields: UpgradeFields = {}): Promise<Socket> {
    return post(this.port, `${this.id};${what}`, body, this.#fieldsWith(fields));
  }

  /** Resolves when the server has cut the way down, or ended it; nothing that came before counts. */
  async over(): Promise<void> {
    const { down } = this;
    down?.resume();
    await until('the transport is over', () => down === undefined || down.closed || down.readableEnded);
  }

  #fieldsWith(fields: UpgradeFields): UpgradeFields {
    return { ...this.#fields, ...fields };
  }
}
