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
  #received: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];
  readonly #outcome: Promise<Outcome>;

  private constructor(socket: Socket) {
    this.socket = socket;
    let end: Outcome['end'] = 'closed';
    socket.on('error', () => {
      end = 'reset';
    });
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#outcome = new Promise((resolve) => {
      socket.on('close', () => {
        this.#wake();
        resolve({ text: this.text, bytes: this.#received, end });
      });
    });
  }

  static async connect(port: number): Promise<Application> {
    const socket = connect({ port, host: '127.0.0.1' });
    const application = new Application(socket);
    await once(socket, 'connect');
    return application;
  }

  get bytes(): Buffer {
    return this.#received;
  }

  get text(): string {
    return this.#received.toString('latin1');
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

  /** Resolves when the connection is closed, whoever did it. */
  closed(): Promise<Outcome> {
    return this.#outcome;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
