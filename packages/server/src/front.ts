import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { type Logger, SUBPROTOCOL, WEBSOCKET_LIMITS } from 'wsproxy-protocol';
import { createDecoy, type Decoy } from './front-decoy.js';
import { createJudge, type Judge, type JudgeOptions, pathOf, stranger, type Verdict } from './front-judge.js';
import { PendingConnections } from './front-pending.js';
import { createRemoteAddressOf, type RemoteAddressOf } from './front-remote.js';
import { acceptedSocket, createHttpServer } from './front-server.js';
import { secureContextOptions, type TlsOptions } from './front-tls.js';
import type { Guard } from './limits/guard.js';
import type { ServerObserver } from './observer.js';
import { OptionError } from './option-error.js';
import { type RefusalStatus, refuseRequest, refuseSocket } from './refusal.js';
import type { User } from './users/user.js';

/** What the Internet sees: an HTTP server that turns authenticated upgrades on one path into WebSockets. */
export interface Front {
  /** Not listening yet; whoever calls `listen` also handles its errors. */
  readonly server: HttpServer | HttpsServer;
  /** Connections closed unread because too many were waiting to authenticate. */
  readonly dropped: number;
  /**
   * From now on TLS handshakes are made with these; connections there are keep what they have.
   * @throws OptionError that says what is wrong; nothing has changed then
   */
  setTls(tls: TlsOptions): void;
  /** Takes an upgrade that another server has got, whatever its path, and answers it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Takes nothing any more, and destroys every connection that is not a WebSocket. Resolves when the last connection is
   * gone; WebSockets are closed by their owner.
   */
  close(): Promise<void>;
}

export interface FrontOptions extends Pick<JudgeOptions, 'authenticate' | 'hasRoom' | 'allowOrigins'> {
  /** The one path served, compared byte for byte; a query is ignored. */
  readonly path: string;
  /** Takes over an open WebSocket that speaks our subprotocol. */
  readonly onWebSocket: (webSocket: WebSocket, user: User, request: IncomingMessage, remoteAddress?: string) => void;
  readonly logger: Logger;
  readonly limits?: Partial<FrontLimits>;
  /** Default: whatever comes is taken. */
  readonly guard?: Pick<Guard, 'hit' | 'takeConnection'>;
  readonly observer?: ServerObserver;
  /** Default: no TLS, which a reverse proxy then has to do. */
  readonly tls?: TlsOptions;
  /**
   * A folder of static files to show to whoever may not come in. With it the path is like any other to those without
   * the token: nothing says that there is more, not even 401.
   */
  readonly decoy?: string;
  /** Whose X-Forwarded-For to believe: addresses, CIDR ranges, or `unix`. Default: nobody's. */
  readonly trustedProxies?: readonly string[];
}

export interface FrontLimits {
  /** For a complete request, from accept on, ms; the TLS handshake has as long again. Default 10 s. */
  readonly handshakeTimeout: number;
  /** Connections at a time that are not a WebSocket; default 256. */
  readonly pendingConnections: number;
}

const TIMEOUTS: ReadonlySet<string | undefined> = new Set(['ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_HTTP_REQUEST_TIMEOUT']);
/** What one refused request may add to the log, characters. */
const MAX_LOGGED_PATH = 256;

const WEB_SOCKET_OPTIONS: ServerOptions = {
  ...WEBSOCKET_LIMITS,
  noServer: true,
  clientTracking: false,
  handleProtocols: () => SUBPROTOCOL,
};

export function createFront(options: FrontOptions): Front {
  return new HttpFront(options);
}

class HttpFront implements Front {
  readonly server: HttpServer | HttpsServer;
  readonly #options: FrontOptions;
  readonly #logger: Logger;
  readonly #observer: ServerObserver;
  readonly #handshakeTimeout: number;
  readonly #pending: PendingConnections;
  readonly #decoy: Decoy | undefined;
  readonly #judge: Judge;
  readonly #remoteAddressOf: RemoteAddressOf;
  readonly #webSockets = new WebSocketServer(WEB_SOCKET_OPTIONS);
  /** Beyond their TLS handshake, or without one: those that HTTP can be spoken to. */
  readonly #ready = new WeakSet<Duplex>();
  /** They have had their request, and are about to end with the answer: what is pipelined behind counts for nothing. */
  readonly #answered = new WeakSet<Duplex>();
  /** Connections of other servers that were handed over. */
  readonly #handedOver = new Set<Socket>();
  #isClosed = false;

  constructor(options: FrontOptions) {
    const { limits, tls, decoy, trustedProxies = [], logger } = options;
    this.#options = options;
    this.#logger = logger;
    this.#observer = options.observer ?? {};
    this.#handshakeTimeout = limits?.handshakeTimeout ?? 10_000;
    this.#pending = new PendingConnections(limits?.pendingConnections ?? 256, logger, options.guard);
    this.#decoy = decoy === undefined ? undefined : createDecoy(decoy);
    this.#judge = createJudge({
      ...options,
      timeout: this.#handshakeTimeout,
      onTimeout: () => {
        options.guard?.hit('upgradeTimeout');
        logger.error({ ms: this.#handshakeTimeout }, 'authentication took too long');
      },
      onError: (error) => logger.error({ err: error }, 'authentication failed'),
    });
    this.#remoteAddressOf = createRemoteAddressOf(trustedProxies);
    this.server = createHttpServer(this.#handshakeTimeout, tls);
    this.#listen();
  }

  get dropped(): number {
    return this.#pending.dropped;
  }

  setTls(tls: TlsOptions): void {
    if (!(this.server instanceof HttpsServer)) throw new OptionError('tls', 'the server was made without it');
    if ((tls.clientCa === undefined) !== (this.#options.tls?.clientCa === undefined)) {
      throw new OptionError('tls', 'whether clients need a certificate cannot change');
    }
    this.server.setSecureContext(secureContextOptions(tls));
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const accepted = acceptedSocket(request.socket);
    if (this.#isClosed) {
      accepted.destroy();
      return;
    }
    this.#handedOver.add(accepted);
    accepted.once('close', () => this.#handedOver.delete(accepted));
    this.#ready.add(socket);
    if (this.#pending.admit(accepted)) void this.#onUpgrade(request, socket, head, true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.#pending.destroyAll();
    const gone = [...this.#handedOver].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all([closed, ...gone]);
  }

  #listen(): void {
    const { server } = this;
    server.on('connection', (socket: Socket) => void this.#pending.admit(socket));
    server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#ready.add(socket);
    });
    server.on('request', (request, response) => void this.#onRequest(request, response));
    // Without this Node would invite the body before anybody has looked at the request.
    server.on('checkContinue', (request, response) => void this.#onRequest(request, response));
    server.on('upgrade', (request, socket, head) => {
      void this.#onUpgrade(request, socket, head, pathOf(request) === this.#options.path);
    });
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    server.on('error', (error) => {
      if (server.listening) this.#logger.error({ err: error }, 'could not accept a connection');
    });
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#answered.has(request.socket)) return;
    this.#answered.add(request.socket);
    const isOnPath = pathOf(request) === this.#options.path;
    const verdict: Verdict = isOnPath ? await this.#judge(request, false) : stranger(404);
    const { status, isStranger } = 'status' in verdict ? verdict : { status: 426 as const, isStranger: false };
    this.#logRefusal(request, status);
    if (this.#decoy !== undefined && isStranger) await this.#deceive(this.#decoy, request, response);
    else refuseRequest(response, status);
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isOnPath: boolean): Promise<void> {
    socket.on('error', destroyThis);
    if (this.#answered.has(socket)) return;
    const verdict: Verdict = isOnPath ? await this.#judge(request, true) : stranger(404);
    if (socket.destroyed) return;
    if ('status' in verdict) {
      this.#logRefusal(request, verdict.status);
      if (this.#decoy !== undefined && verdict.isStranger) await this.#deceiveUpgrade(this.#decoy, request);
      else refuseSocket(socket, verdict.status);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#pending.settle(acceptedSocket(request.socket));
      const remoteAddress = this.#remoteAddressOf(request);
      this.#logger.debug({ user: verdict.id, remoteAddress }, 'accepted a WebSocket');
      webSocket.on('error', this.#onBroken);
      this.#options.onWebSocket(webSocket, verdict, request, remoteAddress);
    });
  }

  /** Made once: a function made for each WebSocket would keep its whole request. */
  readonly #onBroken = (error: Error): void => {
    this.#logger.info({ err: error }, 'a peer broke the WebSocket protocol');
  };

  /** A server of files takes no notice of the wish to upgrade. */
  #deceiveUpgrade(decoy: Decoy, request: IncomingMessage): Promise<void> {
    const { socket } = request;
    this.#answered.add(socket);
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    return this.#deceive(decoy, request, response);
  }

  /** The same for every path and every cause, so that a stranger learns of none. */
  async #deceive(decoy: Decoy, request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(this.#handshakeTimeout, () => request.socket.destroy());
    response.shouldKeepAlive = false;
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (!isReading) return refuseRequest(response, 405);
    try {
      if (!(await decoy(request, response, pathOf(request))) && !response.headersSent) refuseRequest(response, 404);
    } catch (error) {
      this.#logger.error({ err: error }, 'the decoy failed');
      response.destroy();
    }
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (TIMEOUTS.has(error.code)) this.#options.guard?.hit('upgradeTimeout');
    if (!this.#ready.has(socket)) {
      this.#logger.debug({ code: error.code }, 'a TLS handshake failed');
      socket.destroy();
      return;
    }
    this.#logger.debug({ code: error.code }, 'a request could not be read');
    if (this.#answered.has(socket)) return;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = statusOfParseError(error.code);
    this.#observer.onRefusedRequest?.(status);
    refuseSocket(socket, status);
  }

  /** Never with the query: it is where a misguided client would have put its token. */
  #logRefusal(request: IncomingMessage, status: RefusalStatus): void {
    this.#observer.onRefusedRequest?.(status);
    const path = pathOf(request).slice(0, MAX_LOGGED_PATH);
    this.#logger.info({ status, path, remoteAddress: this.#remoteAddressOf(request) }, 'refused a request');
  }
}

function destroyThis(this: Duplex): void {
  this.destroy();
}

function statusOfParseError(code: string | undefined): RefusalStatus {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}
