import { type Channel, LONE_FRAME_SIZE, TunnelError } from 'wsproxy-engine';

/** What the page writes: a write is done when the channel wants more. */
export class Outgoing {
  readonly stream: WritableStream<BufferSource>;
  /** Nothing more will be written. */
  isDone = false;
  readonly #channel: Channel;
  #controller: WritableStreamDefaultController | undefined;
  /** Of the write under way, what the channel has not got yet. */
  #rest: Uint8Array = NOTHING;
  #writing: { resolve(): void; reject(error: Error): void } | undefined;
  /** Bytes that were given to the stream, and those whose write has ended. */
  #given = 0;
  #written = 0;

  constructor(channel: Channel, onDone: () => void, onAbort: () => void) {
    this.#channel = channel;
    const sink: UnderlyingSink<BufferSource> = {
      start: (controller) => {
        this.#controller = controller;
        // The sink hears of it only when the write under way has ended, which may wait for a destination that does not read.
        controller.signal.addEventListener('abort', () => {
          if (this.isDone) return;
          this.#stop(new TunnelError('CANCELLED'));
          onAbort();
        });
      },
      write: (chunk) => {
        try {
          this.#rest = bytesOf(chunk);
        } catch (error) {
          // The stream takes nothing more, not even its end.
          this.#stop(new TunnelError('CANCELLED'));
          onAbort();
          throw error;
        }
        return this.#write();
      },
      close: () => {
        this.isDone = true;
        this.#channel.end();
        onDone();
      },
    };
    this.stream = new WritableStream(sink, { highWaterMark: HIGH_WATER, size: (chunk) => this.#count(chunk) });
  }

  /** Everything that was given to the stream is in the channel. */
  get isWhole(): boolean {
    return this.#given === this.#written;
  }

  /** The channel takes more. */
  feed(): void {
    while (this.#rest.length > 0) {
      // The channel keeps them until they are acknowledged; the page may use its memory again.
      const piece = new Uint8Array(this.#rest.subarray(0, LONE_FRAME_SIZE));
      this.#rest = this.#rest.subarray(LONE_FRAME_SIZE);
      this.#written += piece.length;
      if (!this.#channel.write(piece)) return;
    }
    this.#writing?.resolve();
    this.#writing = undefined;
  }

  lose(loss: TunnelError): void {
    if (this.isDone) return;
    this.#giveUp(loss);
  }

  close(): void {
    if (this.isDone) return;
    this.#giveUp(new TunnelError('CANCELLED'));
  }

  #giveUp(error: TunnelError): void {
    this.#controller?.error(error);
    this.#stop(error);
  }

  #stop(error: TunnelError): void {
    this.isDone = true;
    this.#rest = NOTHING;
    this.#writing?.reject(error);
    this.#writing = undefined;
  }

  #count(chunk: BufferSource): number {
    // What is nothing of the kind is refused when it is written.
    const length = isBytes(chunk) ? chunk.byteLength : 0;
    this.#given += length;
    return length;
  }

  #write(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writing = { resolve, reject };
      this.feed();
    });
  }
}

const NOTHING = new Uint8Array(0);
/** What may wait in the stream before a writer is asked to wait, bytes. */
const HIGH_WATER = 65_536;

function bytesOf(chunk: BufferSource): Uint8Array {
  if (!isBytes(chunk)) throw new TypeError('a connection takes bytes: an ArrayBuffer, or a view of one');
  return ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);
}

function isBytes(chunk: unknown): chunk is BufferSource {
  return chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk);
}
