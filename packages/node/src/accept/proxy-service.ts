import { type FlowTunnel, type Logger, silentLogger, type Tunnel } from 'wsproxy-engine';
import type { Advertised } from './advertised.js';
import type { ApplicationSocket } from './application-socket.js';
import { createPasswordCheck, type ProxyUser } from './credentials.js';
import { enterTunnel } from './enter-tunnel.js';
import { LocalConnection } from './local-connection.js';
import type { LocalProtocol, LocalService, ServedPort } from './local-service.js';
import { expectDescriptors } from './spare-descriptors.js';

/** Serves applications that speak SOCKS5, SOCKS4, SOCKS4a or HTTP, no matter where they come in; what they ask for goes through `tunnel`. */
export function createProxyService(tunnel: Tunnel & FlowTunnel, options: ProxyServiceOptions): ProxyService {
  const { protocols = ALL_PROTOCOLS, users, logger = silentLogger, udpAdvertised, isRemote = false } = options;
  const { handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT, onRefused, isSelf = () => false } = options;
  const enter = enterTunnel(tunnel, logger);
  const unknown = protocols.find((protocol) => !ALL_PROTOCOLS.includes(protocol));
  if (unknown !== undefined) {
    throw new TypeError(`protocols: expected ${ALL_PROTOCOLS.join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  const served: ServedPort = {
    tunnel,
    isAllowed: users && createPasswordCheck(users),
    udpAdvertised,
    isRemote,
    isSelf,
  };
  // What it could not read once for want of a descriptor Node 20 never reads again.
  if (!areLoaded) expectDescriptors(FILES);
  // Only those who listen wait for them.
  let services: readonly LocalService[] | undefined;
  const loading = import('./protocols.js').then(({ PROTOCOLS }) => {
    areLoaded = true;
    services = protocols.map((protocol) => PROTOCOLS[protocol](served));
  });
  const begin = (connection: LocalConnection): void => {
    connection.socket.once('data', (input: Buffer) => {
      const service = services?.find((one) => one.begins(input[0] ?? 0));
      if (service !== undefined) service.serve(connection, input);
      else if (input[0] === TLS_HANDSHAKE) connection.refuse(TLS, NO_TLS);
      // What is unknown gets no answer: it would not be understood.
      else connection.refuse('unknown protocol');
    });
  };
  return {
    loading,
    serve(socket) {
      const connection = new LocalConnection(socket, enter, { logger, handshakeTimeout, onRefused });
      if (services !== undefined) return begin(connection);
      loading.then(
        () => begin(connection),
        () => {},
      );
    },
  };
}

let areLoaded = false;
/** More than are open at a time while they are loaded, and a port itself. */
const FILES = 32;

/** RFC 8446 section 5.1: the type of the record with which TLS begins. */
const TLS_HANDSHAKE = 0x16;
const TLS = "TLS, which this port does not speak: the proxy's URL has to begin with http://, not https://";
/** A fatal alert, handshake_failure, as a record of its own (RFC 8446 section 6). */
const NO_TLS: Buffer = Buffer.from([0x15, 0x03, 0x03, 0, 2, 2, 40]);

export interface ProxyService {
  /** Rejects when what it speaks could not be loaded: there is no descriptor left, or the file is gone. */
  readonly loading: Promise<void>;
  /** The socket keeps half-closes, and somebody listens for its errors. */
  serve(socket: ApplicationSocket): void;
}

export interface ProxyServiceOptions {
  /** Who may use it; by default everybody who can connect. */
  readonly users?: readonly ProxyUser[] | undefined;
  /** Where applications are told to send datagrams. Default: to the address at which they have come in, at any port. */
  readonly udpAdvertised?: Advertised | undefined;
  /** What it speaks; by default all of them. */
  readonly protocols?: readonly LocalProtocol[] | undefined;
  /** How long an application may take for its request, ms from accept; default 10 000. */
  readonly handshakeTimeout?: number;
  /** See `ServedPort`. Default: false. */
  readonly isRemote?: boolean;
  /** See `ServedPort`. Default: none is. */
  readonly isSelf?: ServedPort['isSelf'];
  /** A request was refused here: nobody was asked for a channel. */
  readonly onRefused?: (reason: string) => void;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
const ALL_PROTOCOLS: readonly LocalProtocol[] = ['socks5', 'socks4', 'http'];
