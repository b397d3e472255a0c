import { type Channel, SmallPieces, type TunnelError } from 'wsproxy-engine';

/** What the peer sends: credit returns when the reader of the stream has taken it. */
export class Incoming {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Nobody wants what still comes. */
  isDropped = false;
  /** The reader was told how it has ended, or has told that it wants no more. */
  #isDone = false;
  readonly #channel: Channel;
  #controller: ReadableByteStreamController | undefined;
  readonly #waiting: Uint8Array[] = [];
  readonly #small = new SmallPieces((bytes) => this.#waiting.push(bytes));
  /** A reader waits. */
  #isAwaited = false;
  #hasEnded = false;
  #loss: TunnelError | undefined;

  constructor(channel: Channel, onDone: () => void) {
    this.#channel = channel;
    const source: UnderlyingByteSource = {
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#feed(),
      cancel: () => {
        this.#drop();
        onDone();
      },
    };
    // A stream that asks for more than is read would take it out of the window.
    this.stream = new ReadableStream(source, { highWaterMark: 0 });
  }

  take(chunk: Uint8Array): void {
    if (this.isDropped) return this.#channel.consumed(chunk.length);
    // The stream takes the memory with it; and that of a message would stay as long as any piece of it.
    if (this.#isAwaited) return this.#give(new Uint8Array(chunk));
    if (!this.#small.add(chunk)) this.#waiting.push(new Uint8Array(chunk));
  }

  end(): void {
    this.#hasEnded = true;
    this.#settle();
  }

  /** The reader has what came before. */
  lose(loss: TunnelError): void {
    this.#loss = loss;
    this.#settle();
  }

  close(): void {
    if (this.#isDone) return;
    this.#drop();
    this.#end();
  }

  #feed(): void {
    if (this.#waiting.length === 0) this.#small.flush();
    const chunk = this.#waiting.shift();
    if (chunk === undefined) this.#isAwaited = true;
    else this.#give(chunk.length === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk));
  }

  #give(chunk: Uint8Array): void {
    this.#isAwaited = false;
    const { length } = chunk;
    this.#controller?.enqueue(chunk as Uint8Array<ArrayBuffer>);
    this.#channel.consumed(length);
    this.#settle();
  }

  /** Once all was read, the reader is told how it has ended. */
  #settle(): void {
    if (this.#isDone || this.#waiting.length > 0 || this.#small.length > 0) return;
    if (this.#hasEnded) this.#end();
    else if (this.#loss !== undefined) this.#controller?.error(this.#loss);
    else return;
    this.#isDone = true;
  }

  #end(): void {
    try {
      this.#controller?.close();
      // A reader with a buffer of its own waits for that.
      this.#controller?.byobRequest?.respond(0);
    } catch {
      // One that reads words of several bytes has got a part of one: the stream has failed by that, and has told it so.
    }
  }

  #drop(): void {
    this.isDropped = this.#isDone = true;
    this.#small.flush();
    const rest = this.#waiting.splice(0).reduce((sum, { length }) => sum + length, 0);
    if (rest > 0) this.#channel.consumed(rest);
  }
}
