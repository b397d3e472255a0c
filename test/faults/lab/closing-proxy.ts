import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Certificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import type { Direction } from 'wsproxy-test-support/sockets/cutting-relay';
import { closeFrame } from 'wsproxy-test-support/wire/raw-websocket';

/**
 * A reverse proxy that ends WebSockets with close codes of its own, no matter where it is in a message; with a certificate it
 * speaks TLS to both sides.
 */
export class ClosingProxy {
  readonly #serverPort: number;
  readonly #certificate: Certificate | undefined;
  readonly #connections = new Set<{ readonly near: Socket; readonly far: Socket }>();
  readonly #server: Server;

  /** Gone at the end of the test, after everything that begins later. */
  constructor(serverPort: number, certificate?: Certificate) {
    this.#serverPort = serverPort;
    this.#certificate = certificate;
    const serve = (near: Socket): void => this.#serve(near);
    this.#server = certificate === undefined ? createServer(serve) : createTlsServer(certificate, serve);
    atEnd(() => this.#stop());
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Tells one side of every connection this code, and leaves both. */
  close(code: number, towards: Direction): void {
    for (const { near, far } of this.#connections) {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
      const [told, left] = towards === 'down' ? [near, far] : [far, near];
      told.end(closeFrame(code, '', { masked: towards === 'up' }));
      left.end();
    }
  }

  #serve(near: Socket): void {
    const to = { port: this.#serverPort, host: '127.0.0.1' };
    const { cert: ca } = this.#certificate ?? {};
    const far = ca === undefined ? connect(to) : connectTls({ ...to, ca, servername: 'localhost' });
    const connection = { near, far };
    this.#connections.add(connection);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#connections.delete(connection);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  async #stop(): Promise<void> {
    for (const { near } of this.#connections) near.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
