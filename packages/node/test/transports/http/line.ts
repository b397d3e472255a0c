import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** One end of a connection whose other end is the test. */
export class Line extends Duplex {
  written = '';

  constructor() {
    super({ allowHalfOpen: false });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1');
    done();
  }

  setNoDelay(): void {}

  setTimeout(): void {}

  get socket(): Socket {
    return this as unknown as Socket;
  }
}

/** All that was pushed has been read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
