import { ChannelStream } from 'wsproxy-protocol';

/** A channel with those parts of `net.Socket` that HTTP and database clients use without asking. */
export class TunnelSocket extends ChannelStream {
  #timeout = 0;
  #timer: NodeJS.Timeout | undefined;

  /** As of `net.Socket`. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    const [canRead, canWrite] = [this.readable, this.writable];
    if (canRead && canWrite) return 'open';
    if (canRead) return 'readOnly';
    return canWrite ? 'writeOnly' : 'closed';
  }

  /** Emits `timeout` when nothing has moved for `timeout` ms, and leaves it to the listener; 0: never. */
  setTimeout(timeout: number, listener?: () => void): this {
    this.#timeout = timeout;
    if (listener !== undefined) this.once('timeout', listener);
    this.#restart();
    return this;
  }

  /** Nothing waits to be joined: what is written leaves at once. */
  setNoDelay(): this {
    return this;
  }

  /** The tunnel has a heartbeat of its own. */
  setKeepAlive(): this {
    return this;
  }

  /** A living channel keeps the process alive, as a socket does; there is nothing to be changed about it. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override push(chunk: Buffer | null): boolean {
    this.#restart();
    return super.push(chunk);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#restart();
    super._write(chunk, encoding, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    super._destroy(error, done);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#timeout === 0 || this.destroyed) return;
    this.#timer = setTimeout(() => this.emit('timeout'), this.#timeout);
    this.#timer.unref();
  }
}
