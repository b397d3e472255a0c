import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { type Logger, SUBPROTOCOL, systemClock } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import { WEBSOCKET_LIMITS } from 'wsproxy-node/transports';
import type { Guard } from '../limits/guard.js';
import type { ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';
import {
  createJudge,
  hasRightHost,
  type Judge,
  type JudgeOptions,
  known,
  pathOf,
  stranger,
  type Verdict,
} from './authorize.js';
import { createDecoy, type Decoy } from './decoy.js';
import { Door } from './door.js';
import { FloodLog } from './flood-log.js';
import { acceptedSocket, createHttpServer } from './http-server.js';
import { type RefusalStatus, refuseRequest, refuseSocket } from './refusal.js';
import { createRemoteAddressOf, type RemoteAddressOf } from './remote-address.js';
import { secureContextOptions, type TlsOptions } from './tls.js';

/** What the Internet sees: an HTTP server that turns authenticated upgrades on one path into WebSockets. */
export interface Gateway {
  /** Not listening yet; whoever calls `listen` also handles its errors. */
  readonly server: HttpServer | HttpsServer;
  /** Connections closed because too many were waiting to authenticate. */
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

export interface GatewayOptions extends Pick<JudgeOptions, 'authenticate' | 'hasRoom' | 'allowOrigins'> {
  /** The one path served, compared byte for byte; a query is ignored. */
  readonly path: string;
  /** Takes over an open WebSocket that speaks our subprotocol. */
  readonly onWebSocket: (webSocket: WebSocket, user: User, request: IncomingMessage, remoteAddress?: string) => void;
  readonly logger: Logger;
  readonly limits?: Partial<GatewayLimits>;
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

export interface GatewayLimits {
  /** For a complete request, from accept on, ms; with TLS twice as long. Its answer has twice as long, too. Default 10 s. */
  readonly handshakeTimeout: number;
  /** Connections at a time that are not a WebSocket; default 1,024. */
  readonly pendingConnections: number;
}

/** What one refused request may add to the log, characters. */
const MAX_LOGGED_PATH = 256;

const WEB_SOCKET_OPTIONS: ServerOptions = {
  ...WEBSOCKET_LIMITS,
  noServer: true,
  clientTracking: false,
  handleProtocols: () => SUBPROTOCOL,
};

export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

class HttpGateway implements Gateway {
  readonly server: HttpServer | HttpsServer;
  readonly #options: GatewayOptions;
  readonly #logger: Logger;
  readonly #observer: ServerObserver;
  readonly #handshakeTimeout: number;
  readonly #door: Door;
  readonly #log: FloodLog;
  readonly #broken: FloodLog;
  readonly #decoy: Decoy | undefined;
  readonly #judge: Judge;
  readonly #remoteAddressOf: RemoteAddressOf;
  readonly #webSockets = new WebSocketServer(WEB_SOCKET_OPTIONS);
  /** By the connection that was accepted: what HTTP is spoken on, the same or, after its handshake, the one of TLS. */
  readonly #ready = new WeakMap<Socket, Duplex>();
  /**
   * Accepted connections that have had their one request, with its answer, or that were sent away: what they bring
   * besides counts for nothing.
   */
  readonly #answered = new WeakMap<Socket, ServerResponse | undefined>();
  /** Connections of other servers that were handed over. */
  readonly #handedOver = new Set<Socket>();
  #isClosed = false;

  constructor(options: GatewayOptions) {
    const { limits, tls, decoy, trustedProxies = [], logger, guard } = options;
    this.#options = options;
    this.#logger = logger;
    this.#observer = options.observer ?? {};
    this.#handshakeTimeout = limits?.handshakeTimeout ?? 10_000;
    const floodLog = () => new FloodLog((fields, message) => logger.info(fields, message), systemClock);
    this.#log = floodLog();
    this.#broken = floodLog();
    this.#door = new Door({
      places: limits?.pendingConnections ?? 1_024,
      time: this.#handshakeTimeout * (tls === undefined ? 1 : 2),
      onLate: (accepted) => this.#onLate(accepted),
      onCrowded: (accepted) => {
        this.#answered.set(accepted, undefined);
        guard?.hit('unauthenticated');
      },
      ...(guard !== undefined && { takeSocket: (accepted) => guard.takeConnection(accepted) }),
    });
    this.#decoy = decoy === undefined ? undefined : createDecoy(decoy);
    const errors = new FloodLog((fields, message) => logger.error(fields, message), systemClock);
    this.#judge = createJudge({
      ...options,
      timeout: this.#handshakeTimeout,
      onTimeout: () => {
        guard?.hit('upgradeTimeout');
        errors.write({ ms: this.#handshakeTimeout }, 'authentication took too long');
      },
      onError: (error) => errors.write({ err: error }, 'authentication failed'),
    });
    this.#remoteAddressOf = createRemoteAddressOf(trustedProxies);
    this.server = createHttpServer(this.#handshakeTimeout, tls);
    this.#webSockets.on('wsClientError', (_error, socket, request) => {
      this.#refuseUpgrade(request, socket, request.method === 'GET' ? 400 : 405);
    });
    this.#listen();
  }

  get dropped(): number {
    return this.#door.crowded;
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
    this.#ready.set(accepted, socket);
    this.#door.admit(accepted);
    void this.#onUpgrade(request, socket, head, true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.#door.close();
    const gone = [...this.#handedOver].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all([closed, ...gone]);
  }

  #listen(): void {
    const { server } = this;
    server.on('connection', (socket: Socket) => this.#door.admit(socket));
    server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#ready.set(acceptedSocket(socket), socket);
    });
    // Without the latter two Node would invite a body before anybody has looked at the request, and answer whatever else
    // is expected (417) as often as it is asked.
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      server.on(event, (request: IncomingMessage, response: ServerResponse) => void this.#onRequest(request, response));
    }
    server.on('upgrade', (request, socket, head) => {
      void this.#onUpgrade(request, socket, head, pathOf(request) === this.#options.path);
    });
    // Without this Node would close the connection without a word to anybody.
    server.on('connect', (request, socket, head) => void this.#onUpgrade(request, socket, head, false));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    server.on('error', (error) => {
      if (server.listening) this.#logger.error({ err: error }, 'could not accept a connection');
    });
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#begins(request, response)) return;
    const isOnPath = pathOf(request) === this.#options.path;
    const verdict = await this.#verdict(request, false, isOnPath);
    const { status, isStranger } = 'status' in verdict ? verdict : known(426);
    this.#logRefusal(request, status);
    if (this.#decoy !== undefined && isStranger) await this.#deceive(this.#decoy, request, response);
    else refuseRequest(response, status);
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isOnPath: boolean): Promise<void> {
    socket.on('error', destroyThis);
    if (!this.#begins(request)) {
      const answer = this.#answered.get(acceptedSocket(request.socket));
      // Node listens to the connection no more, while the answer to the request before may still be on its way.
      socket.on('drain', () => answer?.emit('drain'));
      return;
    }
    const verdict = await this.#verdict(request, true, isOnPath);
    if (socket.destroyed) return;
    if ('status' in verdict) {
      if (this.#decoy === undefined || !verdict.isStranger) this.#refuseUpgrade(request, socket, verdict.status);
      else {
        this.#logRefusal(request, verdict.status);
        await this.#deceiveUpgrade(this.#decoy, request);
      }
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#door.leave(acceptedSocket(request.socket));
      const remoteAddress = this.#remoteAddressOf(request);
      this.#logger.debug({ user: verdict.id, remoteAddress }, 'accepted a WebSocket');
      webSocket.on('error', this.#onBroken);
      this.#options.onWebSocket(webSocket, verdict, request, remoteAddress);
    });
  }

  /**
   * Whether this is the one request that the connection has. It may then take so long to say who that is, and as long
   * again to answer.
   */
  #begins(request: IncomingMessage, response?: ServerResponse): boolean {
    const accepted = acceptedSocket(request.socket);
    if (this.#answered.has(accepted)) return false;
    this.#answered.set(accepted, response);
    this.#door.setTime(accepted, 2 * this.#handshakeTimeout);
    return true;
  }

  async #verdict(request: IncomingMessage, isUpgrade: boolean, isOnPath: boolean): Promise<Verdict> {
    if (!hasRightHost(request)) return known(400);
    return isOnPath ? this.#judge(request, isUpgrade) : stranger(404);
  }

  /** Made once: a function made for each WebSocket would keep its whole request. */
  readonly #onBroken = (error: Error): void => {
    this.#broken.write({ err: error }, 'a peer broke the WebSocket protocol');
  };

  #refuseUpgrade(request: IncomingMessage, socket: Duplex, status: RefusalStatus): void {
    this.#logRefusal(request, status);
    refuseSocket(socket, status);
  }

  /** A server of files takes no notice of the wish to upgrade. */
  #deceiveUpgrade(decoy: Decoy, request: IncomingMessage): Promise<void> {
    const { socket } = request;
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    return this.#deceive(decoy, request, response);
  }

  /** The same for every path and every cause, so that a stranger learns of none. */
  async #deceive(decoy: Decoy, request: IncomingMessage, response: ServerResponse): Promise<void> {
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

  /** True when it is told so. */
  #onLate(accepted: Socket): boolean {
    const isAnswered = this.#answered.has(accepted);
    this.#options.guard?.hit('upgradeTimeout');
    const socket = this.#ready.get(accepted);
    if (!isAnswered && socket !== undefined) this.#refuseSocket(accepted, socket, 408);
    else this.#log.write(this.#from(accepted), 'a connection took too long');
    this.#answered.set(accepted, undefined);
    return !isAnswered && socket !== undefined;
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const accepted = acceptedSocket(socket as Socket);
    if (this.#answered.has(accepted)) return;
    if (!this.#ready.has(accepted)) {
      if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.#options.guard?.hit('upgradeTimeout');
      // What is wrong with a client's certificate Node says only there.
      const code = (socket as TLSSocket).authorizationError ?? error.code;
      this.#log.write({ code, ...this.#from(accepted) }, 'a TLS handshake failed');
      this.#observer.onFailedHandshake?.();
      socket.destroy();
    } else if (socket.writable) {
      this.#refuseSocket(accepted, socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400, error.code);
    } else socket.destroy();
  }

  /** Refuses what is no request. */
  #refuseSocket(accepted: Socket, socket: Duplex, status: RefusalStatus, code?: string): void {
    this.#answered.set(accepted, undefined);
    this.#observer.onRefusedRequest?.(status);
    this.#log.write({ status, ...(code && { code }), ...this.#from(accepted) }, 'refused a request');
    refuseSocket(socket, status);
  }

  #from({ remoteAddress }: Socket): { remoteAddress?: string } {
    return remoteAddress === undefined ? {} : { remoteAddress };
  }

  /** Never with the query: it is where a misguided client would have put its token. */
  #logRefusal(request: IncomingMessage, status: RefusalStatus): void {
    this.#observer.onRefusedRequest?.(status);
    const path = pathOf(request).slice(0, MAX_LOGGED_PATH);
    this.#log.write({ status, path, remoteAddress: this.#remoteAddressOf(request) }, 'refused a request');
  }
}

function destroyThis(this: Duplex): void {
  this.destroy();
}
