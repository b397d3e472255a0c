import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { isLoopback, type Logger, resetSocket, silentLogger } from 'wsproxy-protocol';
import { HttpListener } from './http-listener.js';
import { LocalConnection } from './local-connection.js';
import { serveSocks4, serveSocks5 } from './socks-listener.js';
import type { Tunnel } from './tunnel.js';

export interface LocalPortOptions {
  /** Address or name to listen on. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How long an application may take for its request, ms from accept; default 10 000. */
  readonly handshakeTimeout?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** A port that speaks SOCKS5, SOCKS4, SOCKS4a and HTTP to local applications. */
export interface LocalPort {
  readonly address: AddressInfo;
  /** Stops accepting and resets the connections that are left; resolves when all of them are closed. */
  close(): Promise<void>;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/** Opens a local port whose connections go through `tunnel`. Rejects with the error of `net.Server` if it cannot. */
export async function listenLocal(tunnel: Tunnel, options: LocalPortOptions): Promise<LocalPort> {
  const { host, port, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options;
  const logger = options.logger ?? silentLogger;
  const sockets = new Set<Socket>();
  const http = new HttpListener((target) => target.port === address.port && isLoopback(target.host));
  // Without allowHalfOpen, what comes back after the application has ended its half is lost.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever is in charge of the socket learns of errors by 'close'; without a listener they end the process.
    socket.on('error', () => {});
    serve(new LocalConnection(socket, tunnel, logger, handshakeTimeout), http);
  });
  const address = await listen(server, host, port);
  server.on('error', (error) => logger.error({ error }, 'local port failed'));
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) resetSocket(socket);
      }),
  };
}

/** The first byte tells the protocols apart. TLS (0x16) and everything else gets no answer: it would not be understood. */
function serve(connection: LocalConnection, http: HttpListener): void {
  connection.socket.once('data', (input: Buffer) => {
    const first = input[0] ?? 0;
    if (first === 0x05) serveSocks5(connection, input);
    else if (first === 0x04) serveSocks4(connection, input);
    else if (first >= 0x41 && first <= 0x5a) http.serve(connection, input);
    else connection.refuse('unknown protocol');
  });
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError(`${host} is not an IP address or a name`);
  return address;
}
