import { isLoopback, type Logger, silentLogger, type Target } from 'wsproxy-protocol';
import { acceptLocal, type LocalPort, type Place } from './accept-local.js';
import { type Credentials, createCredentials, type ProxyUser } from './credentials.js';
import { HttpListener } from './http-listener.js';
import { LocalConnection } from './local-connection.js';
import { serveSocks4, serveSocks5 } from './socks-listener.js';
import type { Tunnel } from './tunnel.js';

export interface LocalPortOptions {
  readonly place: Place;
  /** Who may use it; by default everybody who can connect. */
  readonly users?: readonly ProxyUser[];
  /** How long an application may take for its request, ms from accept; default 10 000. */
  readonly handshakeTimeout?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Accepts local applications that speak SOCKS5, SOCKS4, SOCKS4a or HTTP; their connections go through `tunnel`. Rejects
 * with the error of `net.Server` if it cannot listen.
 */
export async function listenLocal(tunnel: Tunnel, options: LocalPortOptions): Promise<LocalPort> {
  const { place, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT, logger = silentLogger } = options;
  const credentials = options.users && createCredentials(options.users);
  const isOwnPort = (target: Target) => target.port === localPort.address.port && isLoopback(target.host);
  const http = new HttpListener(isOwnPort, credentials);
  const localPort = await acceptLocal(place, logger, (socket) => {
    serve(new LocalConnection(socket, tunnel, logger, handshakeTimeout), http, credentials);
  });
  return localPort;
}

/** The first byte tells the protocols apart. TLS (0x16) and everything else gets no answer: it would not be understood. */
function serve(connection: LocalConnection, http: HttpListener, credentials: Credentials | undefined): void {
  connection.socket.once('data', (input: Buffer) => {
    const first = input[0] ?? 0;
    if (first === 0x05) serveSocks5(connection, input, credentials);
    else if (first === 0x04) serveSocks4(connection, input, credentials);
    else if (first >= 0x41 && first <= 0x5a) http.serve(connection, input);
    else connection.refuse('unknown protocol');
  });
}
