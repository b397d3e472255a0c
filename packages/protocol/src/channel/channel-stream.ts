import { Duplex } from 'node:stream';
import { TunnelError } from '../errors.js';
import type { Channel } from './channel.js';

type Callback = (error?: Error | null) => void;

/** A channel as a Node stream, for code that needs one. Half-close is kept; a reset is an error, never an end. */
export class ChannelStream extends Duplex {
  readonly #channel: Channel;
  /** Bytes pushed to the readable side that its reader may not have taken yet. */
  #unread = 0;
  #writeDone: Callback | undefined;

  constructor(channel: Channel) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    channel.start({
      onData: (chunk) => {
        this.#unread += chunk.length;
        if (this.push(Buffer.from(chunk))) this.#giveBack();
      },
      onEnd: () => this.push(null),
      onReset: (code) => this.destroy(new TunnelError(code)),
      onWritable: () => {
        const done = this.#writeDone;
        this.#writeDone = undefined;
        done?.();
      },
    });
  }

  override _read(): void {
    this.#giveBack();
  }

  override _write(chunk: Buffer, _encoding: string, done: Callback): void {
    // The caller may use its buffer again once the write is done; the channel keeps the bytes until acknowledged.
    if (this.#channel.write(Buffer.from(chunk))) done();
    else this.#writeDone = done;
  }

  override _final(done: Callback): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: Callback): void {
    // Node also destroys a stream that has ended both ways; what it wrote last may still wait to be sent.
    const isOver = error === null && this.readableEnded && this.writableFinished;
    if (!isOver) this.#channel.reset(error instanceof TunnelError ? error.code : 'CANCELLED');
    this.#giveBack();
    // Node leaves it to the stream to answer a write that is under way.
    this.#writeDone?.(error ?? new TunnelError('CANCELLED'));
    this.#writeDone = undefined;
    done(error);
  }

  #giveBack(): void {
    if (this.#unread === 0) return;
    this.#channel.consumed(this.#unread);
    this.#unread = 0;
  }
}
