import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { readHead } from 'wsproxy-test-support/sockets/application';

/** The names that the log and the status have for ways. */
export type GatedWay = 'WebSocket' | 'HTTP' | 'WebSocket over HTTP/2';

/** Something on the way that looks into TLS, as companies have it, and lets one way to the server pass at a time. */
export class WayGate {
  allowed: GatedWay = 'WebSocket';
  readonly #server;
  readonly #serverPort: number;
  readonly #cert: string;

  /** It has the certificate of the server. */
  constructor(serverPort: number, { cert, key }: { readonly cert: string; readonly key: string }) {
    this.#serverPort = serverPort;
    this.#cert = cert;
    const ALPNCallback = ({ protocols }: { protocols: string[] }): string =>
      this.allowed === 'WebSocket over HTTP/2' && protocols.includes('h2') ? 'h2' : 'http/1.1';
    this.#server = createServer({ cert, key, ALPNCallback, allowHalfOpen: true }, (near) => void this.#admit(near));
    // Those also that are cut in their handshake.
    this.#server.on('connection', (accepted) => atEnd(() => accepted.destroy()));
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    atEnd(() => this.#server.close());
    return (this.#server.address() as AddressInfo).port;
  }

  async #admit(near: TLSSocket): Promise<void> {
    near.on('error', () => {});
    if (near.alpnProtocol === 'h2') return this.#pass(near);
    // It may be cut before it asks for anything.
    const head = await readHead(near).catch(() => '');
    const way: GatedWay = /^upgrade: *websocket\r$/im.test(head) ? 'WebSocket' : 'HTTP';
    if (way === this.allowed) this.#pass(near, head);
    else near.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }

  #pass(near: TLSSocket, head = ''): void {
    const far = connect({
      ...{ port: this.#serverPort, host: '127.0.0.1', servername: 'localhost', ca: this.#cert, allowHalfOpen: true },
      ALPNProtocols: [near.alpnProtocol || 'http/1.1'],
    });
    atEnd(() => far.destroy());
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    far.on('error', cut);
    near.once('close', cut);
    far.once('close', cut);
    if (head !== '') far.write(head, 'latin1');
    near.pipe(far);
    far.pipe(near);
  }
}
