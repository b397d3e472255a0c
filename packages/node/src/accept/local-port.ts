import { isLoopback, type Logger, silentLogger, type Tunnel } from 'wsproxy-engine';
import { acceptLocal, type Endpoint, type LocalPort } from './accept-local.js';
import { createPasswordCheck, type ProxyUser } from './credentials.js';
import { enterTunnel } from './enter-tunnel.js';
import { serveHttp } from './http/http-listener.js';
import { LocalConnection } from './local-connection.js';
import type { CreateService } from './local-service.js';
import { serveSocks4, serveSocks5 } from './socks/socks-listener.js';

/**
 * Accepts local applications that speak SOCKS5, SOCKS4, SOCKS4a or HTTP; their connections go through `tunnel`. Rejects
 * with the error of `net.Server` if it cannot listen.
 */
export async function listenLocal(tunnel: Tunnel, options: LocalPortOptions): Promise<LocalPort> {
  const { at, protocols = ALL_PROTOCOLS, users, logger = silentLogger } = options;
  const { handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT, onRefused } = options;
  const enter = enterTunnel(tunnel, logger);
  const unknown = protocols.find((protocol) => !ALL_PROTOCOLS.includes(protocol));
  if (unknown !== undefined) {
    throw new TypeError(`protocols: expected ${ALL_PROTOCOLS.join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  const services = protocols.map((protocol) =>
    PROTOCOLS[protocol]({
      tunnel,
      isAllowed: users && createPasswordCheck(users),
      isSelf: ({ host, port }) => port === localPort.address.port && isLoopback(host),
    }),
  );
  const localPort = await acceptLocal(at, logger, (socket) => {
    const connection = new LocalConnection(socket, enter, { logger, handshakeTimeout, onRefused });
    socket.once('data', (input: Buffer) => {
      const service = services.find((one) => one.begins(input[0] ?? 0));
      if (service !== undefined) service.serve(connection, input);
      else if (input[0] === TLS_HANDSHAKE) connection.refuse(TLS, NO_TLS);
      // What is unknown gets no answer: it would not be understood.
      else connection.refuse('unknown protocol');
    });
  });
  return localPort;
}

/** RFC 8446 section 5.1: the type of the record with which TLS begins. */
const TLS_HANDSHAKE = 0x16;
const TLS = "TLS, which this port does not speak: the proxy's URL has to begin with http://, not https://";
/** A fatal alert, handshake_failure, as a record of its own (RFC 8446 section 6). */
const NO_TLS: Buffer = Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 40]);

/** What a local port can speak, all of it at a time: the first byte tells one from the other. */
const PROTOCOLS: Readonly<Record<LocalProtocol, CreateService>> = {
  socks5: serveSocks5,
  socks4: serveSocks4,
  http: serveHttp,
};

/** `socks4` is SOCKS4 and SOCKS4a. */
export type LocalProtocol = 'socks5' | 'socks4' | 'http';

export interface LocalPortOptions {
  readonly at: Endpoint;
  /** Who may use it; by default everybody who can connect. */
  readonly users?: readonly ProxyUser[] | undefined;
  /** What it speaks; by default all of them. */
  readonly protocols?: readonly LocalProtocol[] | undefined;
  /** How long an application may take for its request, ms from accept; default 10 000. */
  readonly handshakeTimeout?: number;
  /** A request was refused here: nobody was asked for a channel. */
  readonly onRefused?: (reason: string) => void;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
const ALL_PROTOCOLS = Object.keys(PROTOCOLS) as readonly LocalProtocol[];
