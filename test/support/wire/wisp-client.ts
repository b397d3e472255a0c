import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import { createServer, type Server, type ServerOptions } from 'wsproxy-server';
import { atEnd } from '../cleanup/at-end.js';
import { until } from '../until.js';

/** A client of Wisp that says what it is told to, byte for byte, written from the specification. */
export class WispClient {
  readonly ws: WebSocket;
  /** All that has come and was not taken, as `type stream payload`, the payload in hexadecimal digits. */
  readonly packets: { readonly type: number; readonly stream: number; readonly payload: Buffer }[] = [];
  /** The close code, once it is closed. */
  code: number | undefined;

  constructor(url: string, protocols: readonly string[] = [], options: ClientOptions = {}) {
    this.ws = new WebSocket(url, [...protocols], options);
    this.ws.on('error', () => {});
    this.ws.on('message', (data: Buffer) => {
      this.packets.push({ type: data.readUInt8(0), stream: data.readUInt32LE(1), payload: data.subarray(5) });
    });
    this.ws.on('close', (code) => {
      this.code = code;
    });
    atEnd(() => this.ws.terminate());
  }

  /** One that may begin: version 1. */
  static async begin(url: string, options?: ClientOptions): Promise<WispClient> {
    const client = new WispClient(url, [], options);
    await client.next(Type.continue, 0);
    return client;
  }

  send(type: number, stream: number, payload: Uint8Array | string = ''): void {
    const head = Buffer.alloc(5);
    head.writeUInt8(type, 0);
    head.writeUInt32LE(stream, 1);
    this.ws.send(Buffer.concat([head, Buffer.from(payload)]));
  }

  /** Resolves with the INFO of the server, which was answered with this one. */
  async answer(info: Uint8Array): Promise<Buffer> {
    const offered = await this.next(Type.info, 0);
    this.send(Type.info, 0, info);
    return offered;
  }

  connect(
    stream: number,
    { host = '127.0.0.1', port }: { host?: string; port: number },
    kind: 'tcp' | 'udp' = 'tcp',
  ): void {
    const head = Buffer.from([kind === 'tcp' ? 1 : 2, port % 256, Math.floor(port / 256)]);
    this.send(Type.connect, stream, Buffer.concat([head, Buffer.from(host)]));
  }

  data(stream: number, data: Uint8Array | string): void {
    this.send(Type.data, stream, data);
  }

  close(stream: number, reason = 2): void {
    this.send(Type.close, stream, Buffer.from([reason]));
  }

  /** Resolves with the payload of the next packet of this type and stream, which is taken. */
  async next(type: number, stream: number): Promise<Buffer> {
    const find = () => this.packets.findIndex((one) => one.type === type && one.stream === stream);
    await until(`a packet of type ${type} on stream ${stream}`, () => find() >= 0 || this.code !== undefined);
    const [packet] = find() < 0 ? [] : this.packets.splice(find(), 1);
    if (packet === undefined) throw new Error(`closed with ${this.code} before a packet of type ${type}`);
    return packet.payload;
  }

  /** Why the server has closed a stream. */
  async reason(stream: number): Promise<number> {
    return (await this.next(Type.close, stream)).readUInt8(0);
  }

  /** Resolves with so many bytes that have come on a stream. */
  async read(stream: number, length: number): Promise<Buffer> {
    const isPart = (one: { type: number; stream: number }): boolean => one.type === Type.data && one.stream === stream;
    const parts = (): Buffer[] => this.packets.filter(isPart).map(({ payload }) => payload);
    const isThere = (): boolean => parts().reduce((sum, part) => sum + part.length, 0) >= length;
    await until(`${length} bytes on stream ${stream}`, () => isThere() || this.code !== undefined, 60_000);
    const bytes = Buffer.concat(parts());
    this.packets.splice(0, this.packets.length, ...this.packets.filter((one) => !isPart(one)));
    if (bytes.length < length) throw new Error(`closed with ${this.code} behind ${bytes.length} bytes`);
    return bytes;
  }

  /** Resolves with the close code. */
  async closed(): Promise<number> {
    if (this.code === undefined) await once(this.ws, 'close');
    return this.code ?? 0;
  }

  /** The status that the server has refused the upgrade with; 101 once it is open. */
  async status(): Promise<number> {
    const refused = once(this.ws, 'unexpected-response').then(([, { statusCode }]) => Number(statusCode));
    return Promise.race([refused, once(this.ws, 'open').then(() => 101)]);
  }
}

export const Type = { connect: 1, data: 2, continue: 3, close: 4, info: 5 } as const;

/** A wisp token for a test. */
export const wispTokenOf = (id: string): string => `${id}-${'w'.repeat(43)}`.slice(0, 43);

/** An entry of `users` with it. */
export function wispUser(id: string, limits: object = {}): NonNullable<ServerOptions['users']>[number] {
  const sha256 = createHash('sha256').update(wispTokenOf(id)).digest('hex');
  return { id, tokens: [{ sha256, for: 'wisp', label: 'pages' }], limits };
}

/** A server that speaks Wisp with alice and bob. */
export async function startWispServer(options: Partial<ServerOptions> = {}): Promise<WispServer> {
  const log: string[] = [];
  const write = (fields: object, message: string) => void log.push(JSON.stringify([message, fields]));
  const server = createServer({
    users: [wispUser('alice'), wispUser('bob')],
    wisp: '/wisp/',
    allowPrivate: true,
    logger: { debug: write, info: write, warn: write, error: write },
    ...options,
  });
  atEnd(() => server.close());
  const { port } = await server.listen({ port: 0 });
  return { server, log, port, urlOf: (id) => `ws://127.0.0.1:${port}/wisp/${wispTokenOf(id)}/` };
}

export interface WispServer {
  readonly server: Server;
  readonly port: number;
  /** All that was logged. */
  readonly log: string[];
  /** Where a user comes in. */
  readonly urlOf: (id: string) => string;
}
