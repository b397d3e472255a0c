import { decodeBeginning, encodeNumber } from './beginning.js';
import { RecordReader } from './records.js';

/** Takes the messages of one stream: one after the other, each once, in order. */
export class PushReceiver {
  readonly #handler: PushReceiverOptions['handler'];
  readonly #onError: (error: unknown) => void;
  readonly #unregister: () => void;
  #position: PushPosition | undefined;
  #channel: PushChannel | undefined;
  /** Until the last message that was begun is finished, or has failed: the next channel waits for that. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ register, handler, after, onError }: PushReceiverOptions) {
    this.#handler = handler;
    this.#onError = onError ?? (() => {});
    this.#position = after;
    this.#unregister = register((channel) => this.#take(channel));
  }

  /** The last message that is finished; undefined before the first. */
  get position(): PushPosition | undefined {
    return this.#position;
  }

  /** Takes no more; what is not finished is sent to the one who takes the stream next. */
  close(): void {
    this.#unregister();
    this.#channel?.close();
  }

  #take(channel: PushChannel): void {
    // The sender has given up the one before.
    this.#channel?.close();
    this.#channel = channel;
    this.#turn = this.#turn.then(() => this.#read(channel));
  }

  /** Until the connection is lost, which is no error: the sender calls again. */
  async #read(channel: PushChannel): Promise<void> {
    const reading = new Reading(channel);
    try {
      for await (const piece of channel.pieces) {
        if (!(await this.#handle(reading, piece))) break;
      }
    } catch {}
    channel.close();
  }

  /** False when the handler has failed, or what has come is nothing of a sender. */
  async #handle(reading: Reading, piece: Uint8Array): Promise<boolean> {
    try {
      for (const { message, position } of reading.messages(piece)) {
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
  readonly #channel: PushChannel;
  readonly #reader = new RecordReader();
  /** Of the message that comes next; undefined until the sender has said with which one it begins. */
  #next: PushPosition | undefined;
  /** Numbers: the last one that is finished, and that the sender was told. */
  #finished = 0;
  #told = 0;
  #isTelling = false;

  constructor(channel: PushChannel) {
    this.#channel = channel;
  }

  /** Throws RangeError for what is nothing of a sender. */
  *messages(piece: Uint8Array): Generator<{ readonly message: Uint8Array; readonly position: PushPosition }> {
    for (const record of this.#reader.read(piece)) {
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

  finish(number: number): void {
    this.#finished = number;
    if (!this.#isTelling) void this.#tell();
  }

  /** Later in the same turn, and no sooner than the channel has taken what was told before: much is told as one number. */
  async #tell(): Promise<void> {
    this.#isTelling = true;
    await Promise.resolve();
    while (this.#told < this.#finished) {
      this.#told = this.#finished;
      await this.#channel.answer(encodeNumber(this.#told));
    }
    this.#isTelling = false;
  }
}

export interface PushReceiverOptions extends ReceiveOptions {
  /** Has every channel given to `onChannel` that a sender opens for the stream. Returns what ends that. */
  readonly register: (onChannel: (channel: PushChannel) => void) => () => void;
  readonly handler: (message: Uint8Array, position: PushPosition) => void | Promise<void>;
}

/** A channel of a sender, as each platform has it. */
export interface PushChannel {
  /** What the sender says. An error of it is a lost channel. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Never rejects; resolves when the channel has taken that, or is over. */
  answer(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** Which message of a stream one is. */
export interface PushPosition {
  /** Which numbers these are: 16 hexadecimal digits; others when the sender has begun with 1 again. */
  readonly epoch: string;
  /** From 1 on, one more for each message. */
  readonly number: number;
}

/** How a program, or a page, takes a stream. */
export interface ReceiveOptions {
  /**
   * The last message that was finished before: kept together with what the handler does, so that a message that comes again is
   * recognised. Default: none.
   */
  readonly after?: PushPosition | undefined;
  /** The handler has failed, or what came is no message of a sender. */
  readonly onError?: ((error: unknown) => void) | undefined;
}
