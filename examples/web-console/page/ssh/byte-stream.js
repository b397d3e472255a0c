import { BaseStream } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';

/** What the ssh library reads and writes, over the two streams of a channel. It never holds more than one piece. */
export class ByteStream extends BaseStream {
  #reader;
  #writer;
  #rest = Buffer.alloc(0);

  /** @param {{ readable: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array> }} channel */
  constructor({ readable, writable }) {
    super();
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
  }

  /** Up to so many bytes; null at the end. */
  async read(count) {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    const piece = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return piece;
  }

  async write(data) {
    // The library uses its buffers again.
    await this.#writer.write(Uint8Array.from(data));
  }

  async close(error) {
    if (this.disposed) return;
    this.disposed = true;
    await Promise.allSettled([error ? this.#writer.abort(error) : this.#writer.close(), this.#reader.cancel(error)]);
    this.fireOnClose(error);
  }

  dispose() {
    void this.close();
  }
}
