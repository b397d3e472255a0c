import { Duplex } from 'node:stream';

/**
 * Two streams that are the ends of one connection inside this process: what one end writes the other one reads, an end is an
 * end, and anyone who is destroyed before both directions have ended resets the other. The `near` end is as a socket of Node by
 * default: once the other has ended, it ends itself; the `far` end keeps half-closes.
 */
export function streamPair(): { near: StreamEnd; far: StreamEnd } {
  const near = new StreamEnd(false);
  const far = new StreamEnd(true);
  near.joinWith(far);
  far.joinWith(near);
  // Anyone who has an end may not listen yet, or any more; 'close' follows.
  near.on('error', ignore);
  far.on('error', ignore);
  return { near, far };
}

export class StreamEnd extends Duplex {
  #other: StreamEnd | undefined;
  /** Answers the write under way, once the other end has room. */
  #written: (() => void) | undefined;

  constructor(allowHalfOpen: boolean) {
    super({ allowHalfOpen });
  }

  joinWith(other: StreamEnd): void {
    this.#other = other;
  }

  /** Node calls it, as of a socket, when a connection that was kept is used again. */
  ref(): this {
    return this;
  }

  override _read(): void {
    const other = this.#other;
    if (other !== undefined) other.#goOn();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#other === undefined || this.#other.push(chunk)) done();
    else this.#written = done;
  }

  override _final(done: () => void): void {
    const other = this.#other;
    other?.push(null);
    // Without it nobody would be told who does not read; `net.Socket` does the same.
    other?.read(0);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const isWhole = this.writableFinished && this.readableEnded;
    if (!isWhole) this.#other?.destroy(error ?? Object.assign(new Error('the connection was reset'), RESET));
    this.#goOn();
    done(error);
  }

  /** The other end has room. */
  #goOn(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}

const RESET = { code: 'ECONNRESET' };

function ignore(): void {}
