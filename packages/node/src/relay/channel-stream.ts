import { Duplex } from 'node:stream';
import {
  type Channel,
  type Clock,
  type FailureCode,
  finishChannel,
  LONE_FRAME_SIZE,
  systemClock,
  TunnelError,
} from 'wsproxy-engine';

type Callback = (error?: Error | null) => void;

export interface ChannelStreamOptions {
  /** As of `net.Socket`: whether the own half stays open when the peer has ended its half. Default: it is ended then. */
  readonly allowHalfOpen?: boolean | undefined;
  /** As of `Duplex`. */
  readonly emitClose?: boolean | undefined;
  /**
   * How long a write waits after a reset until the reader has read what came before, ms. Default 0: as of `net.Socket`, the
   * write fails at once, and what was not read is lost with it.
   */
  readonly lastWords?: number | undefined;
  readonly clock?: Clock;
}

const NOTHING = Buffer.alloc(0);

/**
 * A channel as a Node stream, for code that needs one. A reset is an error, never an end. What was written is delivered
 * once its callback was called, also when the stream is destroyed then: without an error the peer sees an end after it.
 */
export class ChannelStream extends Duplex {
  /** Undefined until `attach`. */
  #channel: Channel | undefined;
  /** Bytes pushed to the readable side that its reader may not have taken yet. */
  #unread = 0;
  #writeDone: Callback | undefined;
  /** Of the write under way, what the channel has not got yet. */
  #rest: Buffer = NOTHING;
  /** Bytes of the writes that have begun, and of the one under way. */
  #begun = 0;
  #underWay = 0;
  /** The peer has ended its half. */
  #hasEnded = false;
  /** The channel was reset, and the reader has not read what came before. */
  #loss: TunnelError | undefined;
  readonly #lastWords: number;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;

  /** Anyone who has no channel yet writes, and ends, after `attach`. */
  constructor(channel: Channel | undefined, options: ChannelStreamOptions = {}) {
    const { allowHalfOpen = false, emitClose = true, lastWords = 0, clock = systemClock } = options;
    super({ allowHalfOpen, emitClose });
    this.#lastWords = lastWords;
    this.#clock = clock;
    if (channel !== undefined) this.attach(channel);
  }

  /** Once, and before anything is written. */
  protected attach(channel: Channel): void {
    this.#channel = channel;
    channel.start({
      onData: (chunk) => {
        this.#unread += chunk.length;
        if (this.push(Buffer.from(chunk))) this.#giveBack();
      },
      onEnd: () => {
        this.#hasEnded = true;
        this.push(null);
        // Without it nobody would be told who does not read; `net.Socket` does the same.
        this.read(0);
      },
      onReset: (code) => this.#onReset(new TunnelError(code)),
      onWritable: () => this.#feed(),
      onThrown: (error) => void this.destroy(error instanceof Error ? error : new Error(String(error))),
    });
  }

  /** As of `net.Socket`: with what waits to be written. */
  get bytesWritten(): number {
    return this.#begun - this.#underWay + this.writableLength;
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (this.#loss !== undefined && this.#isRead) this.destroy(this.#loss);
    return chunk;
  }

  /** Up to the end, if there was one: that is what tells a whole from a part. */
  get #isRead(): boolean {
    return this.#hasEnded ? this.readableEnded : this.readableLength === 0;
  }

  override _read(): void {
    this.#giveBack();
  }

  override _write(chunk: Buffer, _encoding: string, done: Callback): void {
    if (this.#loss !== undefined) return this.#writeLate(this.#loss, done);
    this.#begun += chunk.length;
    this.#underWay = chunk.length;
    this.#rest = chunk;
    this.#writeDone = done;
    this.#feed();
  }

  /** What waits together goes together. */
  override _writev(writes: { readonly chunk: Buffer }[], done: Callback): void {
    this._write(Buffer.concat(writes.map(({ chunk }) => chunk)), '', done);
  }

  override _final(done: Callback): void {
    this.#channel?.end();
    // Later, as with a socket: anyone who destroys the stream in the callback of its last write comes before 'finish'.
    setImmediate(done);
  }

  override _destroy(error: Error | null, done: Callback): void {
    const isWhole = error === null && this.#writeDone === undefined && this.writableLength === 0;
    // Given up before it was open, and nothing was said: nobody need be dialled.
    const isWanted = this.#channel?.state.opening === 'open' || this.#begun > 0;
    clearTimeout(this.#timer);
    if (this.#channel !== undefined) {
      finishChannel(this.#channel, this.#clock, isWhole && isWanted ? undefined : codeOf(error));
    }
    this.#giveBack();
    // Node leaves it to the stream to answer a write that is under way.
    this.#rest = NOTHING;
    this.#answer(error ?? new TunnelError('CANCELLED'));
    done(error);
  }

  /** A piece at a time: what waits in the channel was acknowledged to the writer, or is little. */
  #feed(): void {
    while (this.#rest.length > 0) {
      const rest = this.#rest;
      const isLast = rest.length <= LONE_FRAME_SIZE;
      this.#rest = isLast ? NOTHING : rest.subarray(LONE_FRAME_SIZE);
      // The caller may use its buffer again once the write is done; the channel keeps the bytes until acknowledged.
      if (!this.#channel?.write(Buffer.from(isLast ? rest : rest.subarray(0, LONE_FRAME_SIZE)))) return;
    }
    this.#answer();
  }

  #answer(error?: Error): void {
    const done = this.#writeDone;
    this.#writeDone = undefined;
    this.#underWay = 0;
    done?.(error);
  }

  /** As with a socket, the reader gets what came before, unless a write shows first that the connection is gone. */
  #onReset(loss: TunnelError): void {
    if (this.#isRead) return void this.destroy(loss);
    this.#loss = loss;
    // Else it ends its own half then, and nothing is missing.
    if (this.#hasEnded && this.allowHalfOpen) this.once('end', () => this.destroy(loss));
    if (this.writableLength > 0) this.#waitForReader(loss);
  }

  #writeLate(loss: TunnelError, done: Callback): void {
    this.#writeDone = done;
    this.#waitForReader(loss);
  }

  #waitForReader(loss: TunnelError): void {
    if (this.#lastWords === 0) this.destroy(loss);
    else this.#timer ??= setTimeout(() => this.destroy(loss), this.#lastWords);
  }

  #giveBack(): void {
    if (this.#unread === 0) return;
    this.#channel?.consumed(this.#unread);
    this.#unread = 0;
  }
}

function codeOf(error: Error | null): FailureCode {
  return error instanceof TunnelError ? error.code : 'CANCELLED';
}
