import { join, zeros } from '../../../packages/engine/src/bytes.js';
import { FrameType, isSequenced } from '../../../packages/engine/src/frame/frame.js';
import { MemoryTransport } from '../../../packages/engine/src/memory-transport.js';
import type { FakeClock } from '../../../packages/engine/src/testing/fake-clock.js';
import type { TransportReceiver } from '../../../packages/engine/src/transport.js';
import { bytesOf } from './bytes.js';
import { decodePlain, encodePlain, type PlainFrame } from './oracle-codec.js';

/** The other end of a transport, played by the test: says any frame or bytes, and keeps what it hears. */
export class RawPeer implements TransportReceiver {
  /** The end that the code under test holds. */
  readonly transport: MemoryTransport;
  /** All frames heard so far. */
  readonly frames: PlainFrame[] = [];
  /** How the code under test ended the transport. */
  closeCode: number | undefined;
  readonly #clock: FakeClock;
  readonly #own: MemoryTransport;
  #rest = zeros(0);

  constructor(clock: FakeClock) {
    [this.transport, this.#own] = MemoryTransport.pair();
    this.#clock = clock;
    this.#own.receiver = this;
  }

  /** Frames of one type heard so far, or of all sequenced types. */
  heard(type: number | 'sequenced'): PlainFrame[] {
    return this.frames.filter((frame) => (type === 'sequenced' ? isSequenced(frame.type) : frame.type === type));
  }

  /** The payload bytes that came for a channel. */
  dataOf(channel: number): Uint8Array {
    return join(this.heard(FrameType.data).flatMap((frame) => (frame.channel === channel ? frame.payload : [])));
  }

  /** Says frames, or bytes that need not be any, and waits for what comes of it. */
  say(...parts: (PlainFrame | Uint8Array)[]): this {
    this.#own.send(parts.map((part) => (part instanceof Uint8Array ? part : encodePlain(part))));
    return this.settle();
  }

  /** Says frames, and reads nothing of what comes of it until `settle`. */
  sayUnread(...frames: PlainFrame[]): this {
    this.#own.send(frames.map(encodePlain));
    this.#own.deliver();
    this.#clock.runDeferred();
    return this;
  }

  /** Lets the code under test say what it has to say. */
  settle(): this {
    for (let moved = true; moved; ) {
      moved = this.#clock.runDeferred();
      for (const end of [this.#own, this.transport]) moved = end.deliver() || moved;
    }
    return this;
  }

  /** Closes the transport from this side, as a proxy might. */
  close(code: number): void {
    this.#own.close(code, '');
  }

  sayText(): void {
    this.transport.receiver.onText();
  }

  onBytes(chunk: Uint8Array): void {
    const { frames, rest } = decodePlain(join([this.#rest, chunk]));
    this.frames.push(...frames);
    this.#rest = bytesOf(rest);
  }
  onDrain(): void {}
  onText(): void {}
  onClose(code: number): void {
    this.closeCode = code;
  }
}
