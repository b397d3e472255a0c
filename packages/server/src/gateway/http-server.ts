import { createServer, type Server as HttpServer, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, type Server as HttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import { type GatewayTls, secureContextOptions } from './tls.js';

/**
 * An HTTP server, over TLS if `tls` is given, that answers nothing by itself: for what it hears, and how long it waits, there is the
 * gateway with its door. It has no time-outs but that of the TLS handshake, ms, and that of connections between two requests.
 */
export function createHttpServer(
  handshakeTimeout: number,
  { tls, maxHeaderSize = MAX_HEADER_SIZE, onHttp2 }: HttpServerOptions = {},
): HttpServer | HttpsServer {
  const options: ServerOptions = {
    // Node's own deadlines begin anew with each request of a connection, and it sees to them only now and then.
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: REST,
    requireHostHeader: false,
    maxHeaderSize,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY,
    noDelay: true,
  };
  const server = tls === undefined ? createServer(options) : createTlsServer(options, handshakeTimeout, tls, onHttp2);
  // No bound but the size: headers beyond a count are dropped in silence, and an Origin might be among them.
  server.maxHeadersCount = 0;
  return server;
}

function createTlsServer(
  options: ServerOptions,
  handshakeTimeout: number,
  tls: GatewayTls,
  onHttp2: HttpServerOptions['onHttp2'],
): HttpsServer {
  const server = createSecureServer({
    ...options,
    ...secureContextOptions(tls),
    handshakeTimeout,
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: true,
    ALPNProtocols: onHttp2 === undefined ? ['http/1.1'] : ['h2', 'http/1.1'],
  });
  if (onHttp2 === undefined) return server;
  // As Node's own server for both does it, but HTTP/1.1 stays what it is without HTTP/2.
  const http1 = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection').on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') onHttp2(socket);
    else for (const listener of http1) listener.call(server, socket);
  });
  return server;
}

export interface HttpServerOptions {
  readonly tls?: GatewayTls | undefined;
  /** Of a request, bytes; default 16 KiB. */
  readonly maxHeaderSize?: number | undefined;
  /** Takes connections on which the client speaks HTTP/2. Default: only HTTP/1.1 is spoken. */
  readonly onHttp2?: ((socket: TLSSocket) => void) | undefined;
}

export const MAX_HEADER_SIZE = 16_384;
/** A connection that may bring another request, and says nothing, is closed after so long, ms: clients of ours use it no more then. */
const REST = 5_000;
