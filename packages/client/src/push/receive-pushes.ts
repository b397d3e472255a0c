import { decodeBeginning, encodeNumber, RecordReader, serviceOf } from 'wsproxy-node/push';
import type { IncomingOptions, OnIncoming } from '../calls/services.js';
import type { TunnelSocket } from '../sockets/tunnel-socket.js';

/**
 * Takes the messages of a stream, which the program at the server sends by `createPushes`: one after the other, each once, in order.
 * A message is finished when `handler` has returned, or what it has returned is fulfilled; the next one waits for that. When it fails,
 * the message comes again after a pause.
 */
export function receivePushes(
  client: PushClient,
  stream: string,
  handler: PushHandler,
  options: ReceiveOptions = {},
): PushReceiver {
  return new PushReceiver(client, stream, handler, options);
}

/** Takes the messages of one stream. */
export class PushReceiver {
  readonly #handler: PushHandler;
  readonly #onError: (error: unknown) => void;
  readonly #unregister: () => void;
  #position: PushPosition | undefined;
  #socket: TunnelSocket | undefined;
  /** Until the last message that was begun is finished, or has failed: the next channel waits for that. */
  #turn: Promise<void> = Promise.resolve();

  constructor(client: PushClient, stream: string, handler: PushHandler, { after, onError }: ReceiveOptions) {
    this.#handler = handler;
    this.#onError = onError ?? (() => {});
    this.#position = after;
    this.#unregister = client.onIncoming(serviceOf(stream), (socket) => this.#take(socket), { allowHalfOpen: true });
  }

  /** The last message that is finished; undefined before the first. */
  get position(): PushPosition | undefined {
    return this.#position;
  }

  /** Takes no more; what is not finished is sent to the one who takes the stream next. */
  close(): void {
    this.#unregister();
    this.#socket?.destroy();
  }

  #take(socket: TunnelSocket): void {
    // The sender has given up the one before.
    this.#socket?.destroy();
    this.#socket = socket.on('error', () => {});
    this.#turn = this.#turn.then(() => this.#read(socket));
  }

  /** Until the connection is lost, which is no error: the sender calls again. */
  async #read(socket: TunnelSocket): Promise<void> {
    const reading = new Reading(socket);
    try {
      for await (const chunk of socket) {
        if (!(await this.#handle(reading, chunk as Buffer))) break;
      }
    } catch {}
    socket.destroy();
  }

  /** False when the handler has failed, or what has come is nothing of a sender. */
  async #handle(reading: Reading, chunk: Buffer): Promise<boolean> {
    try {
      for (const { message, position } of reading.messages(chunk)) {
        if (!this.#isFinished(position)) {
          const done = this.#handler(message, position);
          if (done !== undefined) await done;
          this.#position = position;
        }
        reading.finish(position.number);
      }
      return true;
    } catch (error) {
      this.#onError(error);
      return false;
    }
  }

  #isFinished({ epoch, number }: PushPosition): boolean {
    return this.#position?.epoch === epoch && number <= this.#position.number;
  }
}

/** One channel: reads what comes by it, and tells its sender what is finished of that. */
class Reading {
  readonly #socket: TunnelSocket;
  readonly #reader = new RecordReader();
  /** Of the message that comes next; undefined until the sender has said with which one it begins. */
  #next: PushPosition | undefined;
  #finished = 0;
  #isAnswerDue = false;

  constructor(socket: TunnelSocket) {
    this.#socket = socket;
  }

  /** Throws RangeError for what is nothing of a sender. */
  *messages(chunk: Buffer): Generator<{ readonly message: Buffer; readonly position: PushPosition }> {
    for (const record of this.#reader.read(chunk)) {
      const position = this.#next;
      if (position === undefined) {
        this.#next = decodeBeginning(record);
        if (this.#next === undefined) throw new RangeError('the sender does not say with which number it begins');
      } else {
        this.#next = { epoch: position.epoch, number: position.number + 1 };
        yield { message: record, position };
      }
    }
  }

  /** Told once in a turn, however much is finished in it. */
  finish(number: number): void {
    this.#finished = number;
    if (this.#isAnswerDue) return;
    this.#isAnswerDue = true;
    setImmediate(() => {
      this.#isAnswerDue = false;
      if (this.#socket.writable) this.#socket.write(encodeNumber(this.#finished));
    });
  }
}

/** Does with a message what it is for. `position` tells it apart from all others of its stream. */
export type PushHandler = (message: Buffer, position: PushPosition) => void | Promise<void>;

/** Which message of a stream one is. */
export interface PushPosition {
  /** Which numbers these are: 16 hexadecimal digits; others when the sender has begun with 1 again. */
  readonly epoch: string;
  /** From 1 on, one more for each message. */
  readonly number: number;
}

export interface ReceiveOptions {
  /**
   * The last message that this program had finished when it ended: kept together with what the handler does, so that a message that
   * comes again is recognised. Default: none.
   */
  readonly after?: PushPosition | undefined;
  /** The handler has failed, or what came is no message of a sender. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What is asked of a client. */
export interface PushClient {
  onIncoming(service: string, onConnection: OnIncoming, options: IncomingOptions): () => void;
}
