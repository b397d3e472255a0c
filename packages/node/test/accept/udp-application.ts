import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { afterEach } from 'vitest';

/** A local program that sends datagrams and keeps those that it gets. */
export class UdpApplication {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.#received.push(data);
      this.#wake();
    });
  }

  static async bind(address = '127.0.0.1', port = 0): Promise<UdpApplication> {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    const application = new UdpApplication(socket);
    applications.push(application);
    return application;
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(data: Buffer | string, port: number, address = '127.0.0.1'): void {
    this.socket.send(data, port, address);
  }

  /** The next datagram that it has not been asked for yet. */
  async next(): Promise<Buffer> {
    for (;;) {
      const data = this.#received.shift();
      if (data !== undefined) return data;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const applications: UdpApplication[] = [];

/** To be called at the top of a test file that has such programs. */
export function endUdpApplications(): void {
  afterEach(() => {
    for (const { socket } of applications.splice(0)) socket.close();
  });
}
