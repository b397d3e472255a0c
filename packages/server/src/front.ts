import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { type Logger, SUBPROTOCOL } from 'wsproxy-protocol';
import { type Authenticate, authorizationValues, type User } from './authenticate.js';
import { type RefusalStatus, refuseRequest, refuseSocket } from './refusal.js';

/** What the Internet sees: an HTTP server that turns authenticated upgrades on one path into WebSockets. */
export interface Front {
  /** Not listening yet; whoever calls `listen` also handles its errors. */
  readonly server: Server;
  /** Connections closed unread because too many were waiting to authenticate. */
  readonly dropped: number;
  /**
   * Stops listening and destroys every connection that is not a WebSocket. Resolves when the last connection is gone;
   * WebSockets are closed by their owner.
   */
  close(): Promise<void>;
}

export interface FrontOptions {
  /** The one path served, compared byte for byte; a query is ignored. */
  readonly path: string;
  readonly authenticate: Authenticate;
  /** Takes over an open WebSocket that speaks our subprotocol. */
  readonly onWebSocket: (webSocket: WebSocket, user: User, request: IncomingMessage) => void;
  readonly logger: Logger;
  readonly limits?: Partial<FrontLimits>;
}

export interface FrontLimits {
  /** For a complete request, from accept on, ms; default 10 s. */
  readonly handshakeTimeout: number;
  /** Connections at a time that are not a WebSocket; default 256. */
  readonly pendingConnections: number;
}

const MAX_HEADER_SIZE = 16_384;
const KEEPALIVE_DELAY = 60_000;
/** What one refused request may add to the log, characters. */
const MAX_LOGGED_PATH = 256;

// @types/ws does not know `closeTimeout`: how long a peer may leave our close frame unanswered, ms.
const WEB_SOCKET_OPTIONS: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: 262_144,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
  skipUTF8Validation: true,
  closeTimeout: 3_000,
  handleProtocols: () => SUBPROTOCOL,
};

export function createFront(options: FrontOptions): Front {
  return new HttpFront(options);
}

class HttpFront implements Front {
  readonly server: Server;
  readonly #path: string;
  readonly #authenticate: Authenticate;
  readonly #onWebSocket: FrontOptions['onWebSocket'];
  readonly #logger: Logger;
  readonly #limits: FrontLimits;
  readonly #webSockets = new WebSocketServer(WEB_SOCKET_OPTIONS);
  readonly #pending = new Set<Socket>();
  /** Their answer says that the connection ends, and is about to end it: what is pipelined behind counts for nothing. */
  readonly #refused = new WeakSet<Duplex>();
  #dropped = 0;
  #isDropping = false;

  constructor(options: FrontOptions) {
    this.#path = options.path;
    this.#authenticate = options.authenticate;
    this.#onWebSocket = options.onWebSocket;
    this.#logger = options.logger;
    this.#limits = { handshakeTimeout: 10_000, pendingConnections: 256, ...options.limits };
    this.server = this.#createServer();
  }

  get dropped(): number {
    return this.#dropped;
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    for (const socket of this.#pending) socket.destroy();
    return closed;
  }

  #createServer(): Server {
    const { handshakeTimeout } = this.#limits;
    const server = createServer({
      headersTimeout: handshakeTimeout,
      requestTimeout: handshakeTimeout,
      // Node looks at these deadlines only so often, by default every 30 s.
      connectionsCheckingInterval: Math.min(1_000, handshakeTimeout),
      maxHeaderSize: MAX_HEADER_SIZE,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_DELAY,
      noDelay: true,
    });
    // No bound but the size: headers beyond a count are dropped in silence, and an Origin might be among them.
    server.maxHeadersCount = 0;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('request', (request, response) => this.#onRequest(request, response));
    // Without this Node would invite the body before anybody has looked at the request.
    server.on('checkContinue', (request, response) => this.#onRequest(request, response));
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    server.on('error', (error) => {
      if (server.listening) this.#logger.error({ err: error }, 'could not accept a connection');
    });
    return server;
  }

  #onConnection(socket: Socket): void {
    if (this.#pending.size >= this.#limits.pendingConnections) {
      socket.destroy();
      this.#dropped += 1;
      if (!this.#isDropping)
        this.#logger.warn({ pending: this.#pending.size }, 'too many connections wait, dropping new ones');
      this.#isDropping = true;
      return;
    }
    this.#pending.add(socket);
    socket.once('close', () => this.#settle(socket));
  }

  /** One warning for each wave: it is over when half of the places are free. */
  #settle(socket: Socket): void {
    this.#pending.delete(socket);
    if (this.#pending.size <= this.#limits.pendingConnections / 2) this.#isDropping = false;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const verdict = this.#judge(request);
    const status = typeof verdict === 'number' ? verdict : 426;
    this.#refused.add(request.socket);
    this.#logRefusal(request, status);
    refuseRequest(response, status);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (this.#refused.has(socket)) return;
    const verdict = this.#judge(request);
    if (typeof verdict === 'number' || !offersSubprotocol(request)) {
      const status = typeof verdict === 'number' ? verdict : 400;
      this.#logRefusal(request, status);
      refuseSocket(socket, status);
      return;
    }
    // Method, version and key are judged by ws, and only for those who have the token.
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#settle(request.socket);
      webSocket.on('error', (error) => this.#logger.info({ err: error }, 'a peer broke the WebSocket protocol'));
      this.#onWebSocket(webSocket, verdict, request);
    });
  }

  /** Whoever may come in, or the status for whoever may not; without the token there is nothing to learn from it. */
  #judge(request: IncomingMessage): User | RefusalStatus {
    if (pathOf(request) !== this.#path) return 404;
    // Only browsers send Origin, and our client is none (RFC 6455 section 10.2).
    if (request.headers.origin !== undefined) return 403;
    const values = authorizationValues(request.rawHeaders);
    if (values.length > 1) return 400;
    return this.#authenticate(values[0]) ?? 401;
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.#logger.debug({ code: error.code }, 'a request could not be read');
    if (this.#refused.has(socket)) return;
    if (socket.writable) refuseSocket(socket, statusOfParseError(error.code));
    else socket.destroy();
  }

  /** Never with the query: it is where a misguided client would have put its token. */
  #logRefusal(request: IncomingMessage, status: RefusalStatus): void {
    const path = pathOf(request).slice(0, MAX_LOGGED_PATH);
    this.#logger.info({ status, path, remoteAddress: request.socket.remoteAddress }, 'refused a request');
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1).join();
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}

function statusOfParseError(code: string | undefined): RefusalStatus {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}
