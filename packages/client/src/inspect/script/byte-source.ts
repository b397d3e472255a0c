import type { Duplex } from 'node:stream';

/** What a stream brings, to be taken when it is wanted. It holds a little ahead, so that an end is noticed while nothing is taken. */
export class ByteSource {
  readonly #stream: Duplex;
  #pieces: Buffer[] = [];
  #size = 0;
  #hasEnded = false;
  #isLost = false;
  readonly #waits = new Set<() => void>();

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onClose).resume();
    if (stream.destroyed) this.#isLost = true;
  }

  /** Its end has not come, and never will. */
  get isLost(): boolean {
    return this.#isLost && !this.#hasEnded;
  }

  get hasBytes(): boolean {
    return this.#size > 0;
  }

  /** All is taken, and no more comes. */
  get isOver(): boolean {
    return this.#hasEnded && this.#size === 0;
  }

  /** Resolves when there are bytes, or when it is over. Rejects when the stream is lost. */
  async whenReady(): Promise<void> {
    while (!this.#isReady) await new Promise<void>((resolve) => this.#waits.add(resolve));
    if (!this.hasBytes && this.isLost) throw new Error('the connection is lost');
  }

  /** Resolves when one of two is ready, or lost. */
  static async whenEitherReady(one: ByteSource, other: ByteSource): Promise<void> {
    while (!one.#isReady && !other.#isReady) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          one.#waits.delete(wake);
          other.#waits.delete(wake);
          resolve();
        };
        one.#waits.add(wake);
        other.#waits.add(wake);
      });
    }
  }

  get #isReady(): boolean {
    return this.hasBytes || this.#hasEnded || this.#isLost;
  }

  /** What has come; undefined if that is nothing. */
  take(): Buffer | undefined {
    if (this.#size === 0) return undefined;
    const bytes = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    if (!this.#isLost) this.#stream.resume();
    return bytes;
  }

  /** What has come, which stays. */
  peek(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Undefined when it is over. */
  async read(): Promise<Buffer | undefined> {
    await this.whenReady();
    return this.take();
  }

  /** Gives back what was taken too much. */
  putBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pieces.unshift(bytes);
    this.#size += bytes.length;
  }

  /** Reads what still comes, for nobody. */
  async discard(): Promise<void> {
    try {
      while ((await this.read()) !== undefined);
    } catch {
      // It is lost, which is an end too.
    }
  }

  /** Everything from now on goes to another stream, with the end. */
  pipe(to: Duplex): void {
    const rest = this.take();
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).pause();
    this.#isLost = true;
    this.#wake();
    if (rest !== undefined && !to.destroyed) to.write(rest);
    if (this.#hasEnded) to.end();
    else this.#stream.pipe(to);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= AHEAD) this.#stream.pause();
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#wake();
  };

  readonly #onClose = (): void => {
    this.#isLost = true;
    this.#wake();
  };

  #wake(): void {
    const waits = [...this.#waits];
    this.#waits.clear();
    for (const wake of waits) wake();
  }
}

const AHEAD = 65_536;

/** Resolves when more may be sent. Rejects when the stream is gone. */
export async function send(to: Duplex, bytes: Uint8Array): Promise<void> {
  if (to.destroyed || to.writableEnded) throw new Error('the connection is lost');
  if (bytes.length === 0 || to.write(bytes)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      to.off('drain', settle).off('close', settle);
      if (to.destroyed) reject(new Error('the connection is lost'));
      else resolve();
    };
    to.on('drain', settle).on('close', settle);
  });
}
