import { once } from 'node:events';
import { WebSocket } from 'ws';
import { atEnd } from '../cleanup/at-end.js';
import { TOKEN } from '../programs/command-line.js';
import { until } from '../until.js';
import { type Frame, frame, readFrames, Type, u64 } from './hand-written-frames.js';

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket to a server, with the right token, on which a test says what it likes. */
export class RawPeer {
  readonly webSocket: WebSocket;
  /** What the server has said, but for ACK, which comes whenever it likes. */
  readonly frames: Frame[] = [];
  readonly closed: Promise<Closing>;
  #rest: Buffer = Buffer.alloc(0);
  #pings = 0;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('error', () => {});
    webSocket.on('message', (data: Buffer) => this.#read(data));
    this.closed = new Promise((resolve) => {
      webSocket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async connect(port: number, token: string = TOKEN): Promise<RawPeer> {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    atEnd(() => webSocket.terminate());
    const peer = new RawPeer(webSocket);
    await once(webSocket, 'open');
    return peer;
  }

  /** The parts in one message. */
  send(...parts: readonly Buffer[]): this {
    this.webSocket.send(Buffer.concat(parts));
    return this;
  }

  /** Resolves with the first frame of a type, on a channel if that is told. */
  async frame(type: number, channel?: number): Promise<Frame> {
    const find = () => this.frames.find((each) => each.type === type && (channel ?? each.channel) === each.channel);
    await until(
      `frame type ${type} arrives`,
      () => find() !== undefined || this.webSocket.readyState === WebSocket.CLOSED,
    );
    const found = find();
    if (found === undefined) throw new Error(`closed without a frame of type ${type}`);
    return found;
  }

  /** The bytes that have come on a channel. */
  data(channel: number): Buffer {
    const pieces = this.frames.filter((each) => each.type === Type.data && each.channel === channel);
    return Buffer.concat(pieces.map(({ payload }) => payload));
  }

  /** Resolves when the server answers, so has taken everything before without complaint. */
  async expectAlive(): Promise<void> {
    this.#pings += 1;
    const payload = u64(this.#pings);
    this.send(frame(Type.ping, 0, payload));
    await until('the server answers a PING', () => {
      if (this.webSocket.readyState !== WebSocket.OPEN) throw new Error('the server has closed the WebSocket');
      return this.frames.some((each) => each.type === Type.pong && each.payload.equals(payload));
    });
  }

  /** Goes without a word, as a lost network does. */
  vanish(): void {
    this.webSocket.terminate();
  }

  #read(data: Buffer): void {
    const { frames, rest } = readFrames(Buffer.concat([this.#rest, data]));
    this.#rest = Buffer.from(rest);
    this.frames.push(...frames.filter(({ type }) => type !== Type.ack));
  }
}
