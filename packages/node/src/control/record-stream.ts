import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { encodeRecord, RecordReader, type RecordSink, RecordType } from './records.js';

type Callback = (error?: Error | null) => void;

/**
 * One end of a control connection as a stream, whose ends are honest: each half ends when the other side has said so, and
 * anything else that becomes of it is an error. Destroyed with an error, it tells the other side what that says.
 */
export class RecordStream extends Duplex implements RecordSink {
  readonly #socket: Socket;
  readonly #options: RecordStreamOptions;
  readonly #reader = new RecordReader(this);
  /** The other side has ended its half. */
  #hasEnded = false;
  #writeDone: Callback | undefined;

  constructor(socket: Socket, options: RecordStreamOptions) {
    // What is written is with the socket before the next write: a failure behind it does not overtake it.
    super({ allowHalfOpen: true, writableHighWaterMark: 1 });
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('drain', () => this.#answer());
    socket.on('error', () => {});
    socket.on('end', () => this.#fail());
    socket.on('close', () => this.#fail());
  }

  /** Says something that is no data. */
  say(type: RecordType, text = ''): void {
    this.#send(type, Buffer.from(text));
  }

  onData(bytes: Uint8Array): void {
    if (this.#hasEnded) throw new Error('there is data behind its end');
    if (!this.push(bytes)) this.#socket.pause();
  }

  onRecord(type: RecordType, text: string): void {
    if (type === RecordType.failed) this.destroy(new Error(text));
    else if (type !== RecordType.end) this.#options.onRecord(type, text);
    else {
      this.#hasEnded = true;
      this.push(null);
      // Nobody else would find that the other side is gone.
      this.#socket.resume();
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: Callback): void {
    for (let at = 0; at < chunk.length; at += LONGEST_DATA) {
      this.#send(RecordType.data, chunk.subarray(at, at + LONGEST_DATA));
    }
    this.#writeDone = done;
    if (!this.#socket.writableNeedDrain) this.#answer();
  }

  override _final(done: Callback): void {
    this.#send(RecordType.end, undefined, (error) => done(error && new Error(this.#options.gone)));
  }

  override _destroy(error: Error | null, done: Callback): void {
    // Both have said their end, or nobody is there any more to be told.
    if (error !== null && !this.#socket.destroyed) {
      this.#send(RecordType.failed, Buffer.from(error.message.slice(0, LONGEST_MESSAGE)));
    }
    this.#options.close(this.#socket.resume());
    this.#answer(error ?? undefined);
    done(error);
  }

  #read(bytes: Buffer): void {
    if (this.destroyed) return;
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #send(type: RecordType, payload?: Uint8Array, done?: Callback): void {
    const [header, rest] = encodeRecord(type, payload);
    this.#socket.cork();
    if (rest.length > 0) this.#socket.write(header);
    this.#socket.write(rest.length > 0 ? rest : header, done);
    this.#socket.uncork();
  }

  #answer(error?: Error): void {
    const done = this.#writeDone;
    this.#writeDone = undefined;
    done?.(error);
  }

  #fail(): void {
    const isWhole = this.#hasEnded && this.writableFinished;
    if (!isWhole && !this.destroyed) this.destroy(new Error(this.#options.gone));
  }
}

export interface RecordStreamOptions {
  /** What it says of itself when the other side is gone without a word. */
  readonly gone: string;
  /** A request, or the answer to it, with its text. An error that it throws destroys the stream. */
  onRecord(type: RecordType, text: string): void;
  /** Closes the socket once it has sent what it was given. */
  close(socket: Socket): void;
}

/** What one record can carry, bytes. */
const LONGEST_DATA = 0xffffff;
const LONGEST_MESSAGE = 1_000;
