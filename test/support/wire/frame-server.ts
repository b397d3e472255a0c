import { until } from '../until.js';
import { fromServer } from './fake-server.js';
import { type Frame, frame, readFrames, Type, u64 } from './hand-written-frames.js';
import { Opcode, type RawWebSocket } from './raw-websocket.js';

/** The server's end of a WebSocket, which says what a test likes, and keeps what its client answers. */
export class FrameServer {
  readonly heard: Frame[] = [];
  readonly #webSocket: RawWebSocket;
  isOver = false;
  #sequenced = 0;

  constructor(webSocket: RawWebSocket) {
    this.#webSocket = webSocket;
    void this.#read();
  }

  say(...frames: Buffer[]): void {
    this.#webSocket.send(fromServer(...frames));
  }

  /** Waits for so many frames of a type, or for the end of the connection. */
  async until(type: number, count = 1): Promise<Frame[]> {
    await until(`${count} frames of type ${type}`, () => this.isOver || this.of(type).length >= count);
    return this.of(type);
  }

  of(type: number): Frame[] {
    return this.heard.filter((one) => one.type === type);
  }

  /** The client has heard all that was said; and it may forget what it has answered. */
  async heardAll(): Promise<void> {
    const pongs = this.of(Type.pong).length;
    this.say(frame(Type.ping, 0, u64(pongs)));
    await this.until(Type.pong, pongs + 1);
    this.say(frame(Type.ack, 0, u64(this.#sequenced)));
  }

  /** Why channels were refused, in order. */
  get refusals(): number[] {
    return this.of(Type.openFail).map(({ payload }) => payload.readUInt16BE(0));
  }

  async #read(): Promise<void> {
    let rest = Buffer.alloc(0);
    for (;;) {
      const next = await this.#webSocket.next().catch(() => undefined);
      if (next === undefined) break;
      if (next.opcode === Opcode.close) this.#webSocket.socket.destroy();
      if (next.opcode !== Opcode.binary) continue;
      const read = readFrames(Buffer.concat([rest, next.payload]));
      this.heard.push(...read.frames);
      this.#sequenced += read.frames.filter(({ type }) => type < Type.hello).length;
      rest = Buffer.from(read.rest);
    }
    this.isOver = true;
  }
}
