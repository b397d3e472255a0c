import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How the proxy ended a connection, and all that it had sent. */
export interface Outcome {
  readonly text: string;
  readonly bytes: Buffer;
  readonly end: 'closed' | 'reset';
}

/** A local program that talks to the port under test, byte by byte if need be. */
export class Application {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #waiting: (() => void)[] = [];
  readonly #outcome: Promise<Outcome>;

  private constructor(socket: Socket) {
    this.socket = socket;
    let end: Outcome['end'] = 'closed';
    socket.on('error', () => {
      end = 'reset';
    });
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    // Node 20 and 22 report a reset that comes together with data as an end; then the socket has no peer any more. Nor
    // has one that both sides have ended, so this says nothing once our own half has.
    socket.on('end', () => {
      if (!socket.writableEnded && socket.remoteAddress === undefined) end = 'reset';
    });
    this.#outcome = new Promise((resolve) => {
      socket.on('close', () => {
        this.#wake();
        const { bytes } = this;
        resolve({ text: bytes.toString('latin1'), bytes, end });
      });
    });
  }

  /** `at`: a port of `host`, or the path of a Unix socket. */
  static async connect(at: number | string, host = '127.0.0.1'): Promise<Application> {
    const socket = connect(typeof at === 'string' ? { path: at } : { port: at, host });
    const application = new Application(socket);
    await once(socket, 'connect');
    return application;
  }

  get bytes(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  send(bytes: Buffer | string | readonly number[]): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
    return this;
  }

  /** Ends its half, and still listens. */
  endHalf(): this {
    this.socket.end();
    return this;
  }

  /** Resolves once `condition` holds for what was received; rejects when the connection closes before. */
  async until(condition: (text: string) => boolean): Promise<string> {
    while (!condition(this.text)) {
      if (this.socket.closed) throw new Error(`closed after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.text;
  }

  /** Resolves when `count` bytes have come. */
  async untilBytes(count: number): Promise<Buffer> {
    await this.until((text) => text.length >= count);
    return this.bytes;
  }

  /** Resolves when the connection is closed, no matter who did it. */
  closed(): Promise<Outcome> {
    return this.#outcome;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
