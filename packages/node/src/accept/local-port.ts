import type { Tunnel } from 'wsproxy-engine';
import { isLoopback, type Logger, silentLogger, type Target } from 'wsproxy-engine';
import { acceptLocal, type LocalPort, type Place } from './accept-local.js';
import { createCredentials, type ProxyUser } from './credentials.js';
import { HttpListener } from './http/http-listener.js';
import { LocalConnection } from './local-connection.js';
import { serveSocks4, serveSocks5 } from './socks/socks-listener.js';

/** `socks4` is SOCKS4 and SOCKS4a. */
export type LocalProtocol = 'socks5' | 'socks4' | 'http';

export interface LocalPortOptions {
  readonly place: Place;
  /** Who may use it; by default everybody who can connect. */
  readonly users?: readonly ProxyUser[] | undefined;
  /** What it speaks; by default all of them. */
  readonly protocols?: readonly LocalProtocol[] | undefined;
  /** How long an application may take for its request, ms from accept; default 10 000. */
  readonly handshakeTimeout?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
const ALL_PROTOCOLS: readonly LocalProtocol[] = ['socks5', 'socks4', 'http'];

/**
 * Accepts local applications that speak SOCKS5, SOCKS4, SOCKS4a or HTTP; their connections go through `tunnel`. Rejects
 * with the error of `net.Server` if it cannot listen.
 */
export async function listenLocal(tunnel: Tunnel, options: LocalPortOptions): Promise<LocalPort> {
  const { place, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT, logger = silentLogger } = options;
  const { protocols = ALL_PROTOCOLS } = options;
  const credentials = options.users && createCredentials(options.users);
  const isOwnPort = (target: Target) => target.port === localPort.address.port && isLoopback(target.host);
  const http = new HttpListener(isOwnPort, credentials);
  const localPort = await acceptLocal(place, logger, (socket) => {
    const connection = new LocalConnection(socket, tunnel, logger, handshakeTimeout);
    socket.once('data', (input: Buffer) => {
      const protocol = protocolOf(input[0] ?? 0);
      if (protocol === undefined || !protocols.includes(protocol)) connection.refuse('unknown protocol');
      else if (protocol === 'http') http.serve(connection, input);
      else (protocol === 'socks5' ? serveSocks5 : serveSocks4)(connection, input, credentials);
    });
  });
  return localPort;
}

/** The first byte tells the protocols apart. TLS (0x16) and everything else gets no answer: it would not be understood. */
function protocolOf(first: number): LocalProtocol | undefined {
  if (first === 0x05) return 'socks5';
  if (first === 0x04) return 'socks4';
  return first >= 0x41 && first <= 0x5a ? 'http' : undefined;
}
