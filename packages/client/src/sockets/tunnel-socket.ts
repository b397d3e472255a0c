import { isIP } from 'node:net';
import type { Channel, Target } from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import { IdleTimer } from './idle-timer.js';

/** A channel with those parts of `net.Socket` that HTTP and database clients use without asking. */
export class TunnelSocket extends ChannelStream {
  readonly connecting = false;
  /** Where this end is, and from which port the server has dialled, is not known here. */
  readonly localAddress = undefined;
  readonly localPort = undefined;
  readonly localFamily = undefined;

  readonly #channel: Channel;
  readonly #timer: IdleTimer;
  readonly #keepAwake: ((isReferenced: boolean) => void) | undefined;
  #bytesRead = 0;

  constructor(channel: Channel, { allowHalfOpen, keepAwake }: TunnelSocketOptions = {}) {
    // Emitted here, since it says whether there was an error.
    super(channel, { allowHalfOpen, emitClose: false });
    this.#channel = channel;
    this.#keepAwake = keepAwake;
    if (!this.allowHalfOpen) this.once('end', () => this.#refuseWrites());
    this.#timer = new IdleTimer(
      () => channel.figures.bytesSent,
      () => this.emit('timeout'),
    );
  }

  /** As of `net.Socket`. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    const [canRead, canWrite] = [this.readable, this.writable];
    if (canRead && canWrite) return 'open';
    if (canRead) return 'readOnly';
    return canWrite ? 'writeOnly' : 'closed';
  }

  /** As of `net.Socket`: whether it is not connected yet, or no more. */
  get pending(): boolean {
    return this.destroyed;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The destination as it was asked for: an address only if that was one, since the server resolves names. */
  get remoteAddress(): string | undefined {
    return this.remoteFamily === undefined ? undefined : this.#target.host;
  }

  get remotePort(): number | undefined {
    return this.destroyed ? undefined : this.#target.port;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    const family = this.destroyed ? 0 : isIP(this.#target.host);
    return family === 0 ? undefined : `IPv${family as 4 | 6}`;
  }

  /** As of `net.Socket`: ms; undefined until it was set, and 0 for never. */
  get timeout(): number | undefined {
    return this.#timer.time;
  }

  get #target(): Target {
    return this.#channel.target;
  }

  /** As of `net.Socket` when it has none. */
  address(): Record<string, never> {
    return {};
  }

  /** Emits `timeout` when nothing has moved for `time` ms, and leaves it to the listener; 0: never. */
  setTimeout(time: number, listener?: () => void): this {
    if (this.destroyed) return this;
    this.#timer.set(time);
    if (listener === undefined) return this;
    return time === 0 ? this.off('timeout', listener) : this.once('timeout', listener);
  }

  /** Nothing waits to be joined: what is written leaves at once. */
  setNoDelay(): this {
    return this;
  }

  /** The tunnel has a heartbeat of its own. */
  setKeepAlive(): this {
    return this;
  }

  /** The process lives as long as this socket does: the default. */
  ref(): this {
    if (!this.destroyed) this.#keepAwake?.(true);
    return this;
  }

  unref(): this {
    if (!this.destroyed) this.#keepAwake?.(false);
    return this;
  }

  /** Ends what is written, and is destroyed when it has gone. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** The destination sees a reset, and what was not sent yet is lost. */
  resetAndDestroy(): this {
    if (!this.destroyed) this.#channel.reset('CONNECTION_RESET');
    return this.destroy();
  }

  override push(chunk: Buffer | null): boolean {
    this.#timer.refresh();
    if (chunk !== null) this.#bytesRead += chunk.length;
    return super.push(chunk);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Callback): void {
    this.#timer.refresh();
    super._write(chunk, encoding, done);
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#timer.stop();
    // What was written is still to be delivered.
    this.#keepAwake?.(true);
    super._destroy(error, done);
    setImmediate(() => this.emit('close', error !== null));
  }

  /** As of `net.Socket`: Node has ended the own half, but who writes is told who had begun. */
  #refuseWrites(): void {
    this.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
      if (!this.writableEnded) return super.write(chunk, encoding as BufferEncoding, callback as Callback);
      const error = Object.assign(new Error('the destination has ended the connection'), { code: 'EPIPE' });
      const done = typeof encoding === 'function' ? encoding : callback;
      queueMicrotask(() => {
        if (typeof done === 'function') done(error);
        this.destroy(error);
      });
      return false;
    };
  }
}

type Callback = (error?: Error | null) => void;

export interface TunnelSocketOptions {
  /** As of `net.Socket`, default false: the own half ends when the destination has ended its half. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Says whether the process is to live for the channel. */
  readonly keepAwake?: ((isReferenced: boolean) => void) | undefined;
}
