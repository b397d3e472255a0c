import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { keepDraining } from 'wsproxy-node/internals';
import { OptionError } from 'wsproxy-node/options';
import { KEEPALIVE_DELAY } from 'wsproxy-node/sockets';
import { type Arrival, Http2Request, type TransportAcceptor, wayOf } from 'wsproxy-node/transports';
import type { User } from '../users/user.js';
import { type Authorize, type AuthorizeOptions, createAuthorize } from './authorize.js';
import { type Caller, callerOf } from './caller.js';
import { Connections } from './connections.js';
import { createDecoy, type Decoy, showDecoy } from './decoy.js';
import type { GatewayOptions } from './gateway-options.js';
import type { HandedOn } from './handing-on.js';
import { createHttpServer, MAX_HEADER_SIZE } from './http-server.js';
import { Http2Connections } from './http2-connections.js';
import { PartsElsewhere } from './parts-elsewhere.js';
import { elsewhere, known, type Refusal, refuse, stranger } from './refusal.js';
import { RefusalLog } from './refusal-log.js';
import { createRemoteAddressOf } from './remote-address.js';
import { hasRightCoding, hasRightHost, pathOf } from './request-head.js';
import { readRouteInUrl } from './route-in-url.js';
import { TicketDoor } from './ticket-door.js';
import { expiryOf, type GatewayTls, secureContextOptions } from './tls.js';
import { WispDoor } from './wisp-door.js';

/** @throws OptionError for an option that cannot be used */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

/** What the Internet sees: an HTTP server that turns authenticated requests on one path into transports. */
export interface Gateway {
  /** Not listening yet; anyone who calls `listen` also handles its errors. */
  readonly server: HttpServer | HttpsServer;
  /** Connections closed because too many were waiting to authenticate. */
  readonly dropped: number;
  /**
   * From now on TLS handshakes are made with these; connections there are keep what they have.
   * @throws OptionError that says what is wrong; nothing has changed then
   */
  setTls(tls: GatewayTls): void;
  /** When the certificate that is shown stops counting, ms since 1970; undefined without TLS. */
  readonly certificateExpires: number | undefined;
  /**
   * With what session tickets are sealed, 48 bytes, so that processes that have the same resume each other's TLS sessions;
   * nothing without TLS.
   */
  setTicketKeys(keys: Buffer): void;
  /** Takes a connection that was accepted elsewhere, and of which nothing was read. */
  handleConnection(socket: Socket): void;
  /** Takes an upgrade that another server has got, no matter what its path, and answers it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Takes nothing any more, and destroys every connection that is not a transport. Resolves when the last connection is
   * gone; transports are closed by their owner.
   */
  close(): Promise<void>;
  /** Resolves when all that have come have their answer, or after `time` ms. */
  settled(time: number): Promise<void>;
}

/** A kind of transport, and what to call when a peer breaks its protocol. */
interface Kind {
  readonly acceptor: TransportAcceptor;
  /** Made once: a function made for each transport would keep its whole request. */
  readonly onBroken: (error: Error) => void;
}

/** Who may come in, and as what. */
interface Entrant {
  readonly user: User;
  readonly kind: Kind;
  /** The request belongs to a transport that is open already. */
  readonly isPart: boolean;
}

class HttpGateway implements Gateway {
  readonly server: HttpServer | HttpsServer;
  readonly #options: GatewayOptions;
  readonly #kinds: readonly Kind[];
  readonly #log: RefusalLog;
  readonly #connections: Connections;
  readonly #http2: Http2Connections;
  readonly #decoy: Decoy | undefined;
  readonly #ticketDoor: TicketDoor | undefined;
  readonly #wispDoor: WispDoor | undefined;
  readonly #authorize: Authorize;
  readonly #callerOf: (request: IncomingMessage) => Caller;
  readonly #partsElsewhere = new PartsElsewhere();
  #certificateExpires: number | undefined;
  #ticketKeys: Buffer | undefined;

  constructor(options: GatewayOptions) {
    const { limits, tls, decoy, trustedProxies = [], logger, guard, observer, acceptors, judged } = options;
    const { handshakeTimeout = 10_000, pendingConnections = 1_024 } = limits ?? {};
    this.#options = options;
    const remoteAddressOf = createRemoteAddressOf(trustedProxies);
    this.#callerOf = judged?.callerOf ?? ((request) => callerOf(request, remoteAddressOf));
    const log = new RefusalLog({
      ...{ logger, observer: observer ?? {}, callerOf: this.#callerOf },
      hasDecoy: decoy !== undefined,
      secretPath: options.wisp?.path,
    });
    this.#log = log;
    this.#kinds = acceptors.map((acceptor) => ({ acceptor, onBroken: (error) => log.broken(acceptor.name, error) }));
    this.#decoy = decoy === undefined ? undefined : createDecoy(decoy);
    const asking = {
      timeout: handshakeTimeout,
      onTimeout: () => {
        guard?.hit('upgradeTimeout');
        log.lateAuthentication(handshakeTimeout);
      },
      onError: (error: unknown) => log.failedAuthentication(error),
    };
    this.#authorize = judged?.authorize ?? createAuthorize({ ...options, ...asking });
    const { tickets, wisp, allowOrigins = [] } = options;
    if (wisp !== undefined) this.#wispDoor = this.#makeWispDoor(wisp, asking);
    if (tickets !== undefined)
      this.#ticketDoor = new TicketDoor({
        ...{ logger, allowOrigins, createTicket: tickets.createTicket },
        ...{ authorize: this.#authorize, callerOf: this.#callerOf },
      });
    this.#connections = new Connections({
      places: pendingConnections,
      handshakeTimeout,
      isSecure: tls !== undefined,
      guard,
      log,
    });
    this.#http2 = new Http2Connections({
      ...{ connections: this.#connections, places: pendingConnections, handshakeTimeout, guard, log },
      maxHeaderSize: MAX_HEADER_SIZE,
      onRequest: (request) => void this.#serve({ request, stream: request.stream }, this.#isOnPath(request)),
    });
    this.server = createHttpServer(handshakeTimeout, {
      ...{ tls, maxHeaderSize: judged?.maxHeaderSize },
      // What other processes hand on comes as HTTP/1.1.
      ...(judged === undefined && { onHttp2: (socket) => this.#http2.take(socket) }),
    });
    this.#certificateExpires = tls && expiryOf(tls);
    this.#listen();
  }

  get dropped(): number {
    return this.#connections.dropped + this.#http2.dropped;
  }

  get certificateExpires(): number | undefined {
    return this.#certificateExpires;
  }

  setTls(tls: GatewayTls): void {
    if (!(this.server instanceof HttpsServer)) throw new OptionError('tls', 'the server was made without it');
    if ((tls.clientCa === undefined) !== (this.#options.tls?.clientCa === undefined)) {
      throw new OptionError('tls', 'whether clients need a certificate cannot change');
    }
    this.server.setSecureContext(secureContextOptions(tls));
    this.#certificateExpires = expiryOf(tls);
    // A new context has keys of its own.
    if (this.#ticketKeys !== undefined) this.server.setTicketKeys(this.#ticketKeys);
  }

  setTicketKeys(keys: Buffer): void {
    if (!(this.server instanceof HttpsServer)) return;
    this.#ticketKeys = keys;
    this.server.setTicketKeys(keys);
  }

  handleConnection(socket: Socket): void {
    // As if Node had accepted it for this server.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_DELAY);
    if (!this.#connections.follow(socket)) return;
    // `pauseOnConnect` leaves it so.
    if (socket.isPaused()) socket.resume();
    this.server.emit('connection', socket);
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#connections.takeOver(request.socket, socket)) this.#onUpgrade(request, socket, head, true);
  }

  async settled(time: number): Promise<void> {
    await Promise.all([this.#connections.settled(time), this.#http2.settled(time)]);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.#http2.close();
    await Promise.all([closed, this.#connections.close()]);
    this.#log.close();
  }

  #listen(): void {
    const { server } = this;
    server.on('connection', (socket: Socket) => this.#connections.admit(socket));
    server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#connections.setReady(socket);
    });
    // Without the latter two Node would invite a body before anybody has looked at the request, and answer anything else that
    // is expected (417) as often as it is asked.
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      server.on(event, (request: IncomingMessage, response: ServerResponse) => {
        if (this.#connections.begin(request, response))
          void this.#serve({ request, response }, this.#isOnPath(request));
      });
    }
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head, this.#isOnPath(request)));
    // Without this Node would close the connection without a word to anybody.
    server.on('connect', (request, socket, head) => this.#onUpgrade(request, socket, head, false));
    server.on('clientError', (error, socket) => this.#connections.onInvalid(error, socket as Socket));
    server.on('error', (error) => {
      if (server.listening) this.#options.logger.error({ err: error }, 'could not accept a connection');
    });
  }

  #isOnPath(request: IncomingMessage): boolean {
    const { path, judged } = this.#options;
    return judged !== undefined || pathOf(request) === path;
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, isOnPath: boolean): void {
    socket.on('error', destroyThis);
    if (this.#connections.begin(request)) void this.#serve({ request, socket, head }, isOnPath);
    // The answer to the request before may still be on its way.
    else keepDraining(this.#connections.responseOn(request.socket), socket);
  }

  async #serve(arrival: Arrival, isOnPath: boolean): Promise<void> {
    const outcome = await this.#admit(arrival, isOnPath);
    if (outcome === 'answered' || connectionOf(arrival).destroyed) return;
    if ('status' in outcome) await this.#turnAway(arrival, outcome);
    else this.#accept(arrival, outcome);
  }

  async #admit(arrival: Arrival, isOnPath: boolean): Promise<Entrant | Refusal | 'answered'> {
    const { request } = arrival;
    if (!hasRightHost(request)) return known(400, 'wrong Host');
    if (!hasRightCoding(request)) return known(400, 'malformed');
    const ticketDoor = pathOf(request) === this.#options.tickets?.path ? this.#ticketDoor : undefined;
    if (ticketDoor !== undefined && !('socket' in arrival)) {
      const outcome = await ticketDoor.serve(arrival);
      if (outcome === 'answered' && request instanceof Http2Request) this.#http2.end(request);
      return outcome;
    }
    if (this.#wispDoor?.isFor(request) === true) return this.#wispDoor.serve(arrival);
    if (!isOnPath) return stranger(404, 'not on the path');
    const kind = this.#kinds.find(({ acceptor }) => acceptor.recognizes(arrival));
    const isRight = kind?.acceptor.isRight(arrival) === true;
    // Those that were handed on were judged before.
    const mayBeKnown = isRight && this.#options.judged === undefined;
    const owner = mayBeKnown ? kind.acceptor.ownerOf?.(arrival) : undefined;
    // An outage of what judges requests ends no transport.
    if (kind !== undefined && owner !== undefined) return { user: { id: owner }, kind, isPart: true };
    const partKey = mayBeKnown && this.#options.handOn !== undefined ? kind.acceptor.partKeyOf?.(arrival) : undefined;
    const sender = partKey === undefined ? undefined : this.#partsElsewhere.userOf(partKey);
    const who = sender === undefined ? await this.#authorize(request) : { user: sender };
    if ('status' in who) return who;
    const { user } = who;
    readRouteInUrl(request);
    // HTTP/2 has no upgrade.
    if (kind === undefined) return known('stream' in arrival ? 400 : 426, 'not an upgrade', user.id);
    if (!isRight) return known(400, 'wrong upgrade', user.id);
    const isPart = kind.acceptor.isPart?.(arrival) === true;
    const handedOn = await this.#handOn(arrival, user, isPart);
    if (handedOn === 'answered' && partKey !== undefined) this.#partsElsewhere.remember(partKey, user);
    if (handedOn === 'answered') return handedOn;
    if (handedOn !== 'here') return elsewhere(handedOn.unanswered, user.id);
    // Its transport has its room.
    if (isPart) return { user, kind, isPart };
    const hasRoom = this.#options.hasRoom?.(user, request);
    const isFull = (hasRoom instanceof Promise ? await hasRoom : hasRoom) === false;
    return isFull ? known(429, 'too many sessions', user.id) : { user, kind, isPart };
  }

  #handOn(arrival: Arrival, user: User, isPart: boolean): HandedOn | Promise<HandedOn> {
    const { handOn } = this.#options;
    if (handOn === undefined || ('socket' in arrival && arrival.request.method !== 'GET')) return 'here';
    const { request } = arrival;
    const leaveDoor = (): void => this.#leaveDoor(request);
    return handOn({ arrival, isPart, user, caller: this.#callerOf(request), leaveDoor });
  }

  #accept(arrival: Arrival, { user, kind, isPart }: Entrant): void {
    const { acceptor, onBroken } = kind;
    // Many that were judged at once would all find the same room.
    if (!isPart && this.#options.isFull?.(user) === true)
      return void this.#turnAway(arrival, known(429, 'too many sessions', user.id));
    acceptor.accept(arrival, {
      owner: user.id,
      onTransport: (transport, way) => {
        const { request } = arrival;
        this.#letIn(arrival, user);
        const caller = { ...this.#callerOf(request), ...(way !== undefined && { way }) };
        this.#options.logger.debug({ user: user.id, ...caller }, `accepted a ${acceptor.name}`);
        return this.#options.onTransport(transport, user, caller, request);
      },
      onPart: () => this.#letIn(arrival, user),
      onRefused: (status) => {
        const reason = status === 409 ? 'out of turn' : 'wrong upgrade';
        void this.#turnAway(arrival, known(status, reason, user.id));
      },
      onBroken,
    });
  }

  #makeWispDoor(
    wisp: NonNullable<GatewayOptions['wisp']>,
    asking: Pick<AuthorizeOptions, 'timeout' | 'onTimeout' | 'onError'>,
  ): WispDoor {
    const { allowOrigins = [], hasRoom = () => true, isFull = () => false, logger, onTransport, decoy } = this.#options;
    return new WispDoor({
      ...{ ...wisp, ...asking, allowOrigins, hasRoom, isFull },
      // It would tell them that there is more than the decoy.
      takesLogin: decoy === undefined,
      onTransport: (arrival, transport, user) => {
        const { request } = arrival;
        this.#letIn(arrival, user);
        const caller = { ...this.#callerOf(request), way: 'Wisp' };
        logger.debug({ user: user.id, ...caller }, 'accepted a WebSocket of Wisp');
        return onTransport(transport, user, caller, request);
      },
      onRefused: (arrival, refusal) => void this.#turnAway(arrival, refusal),
      onDenied: (arrival, refusal) => this.#log.request(arrival, refusal),
      onBroken: (error) => this.#log.broken('Wisp', error),
    });
  }

  #letIn(arrival: Arrival, { id }: User): void {
    if ('response' in arrival) this.#connections.serve(arrival.request.socket, arrival.response, id);
    else this.#leaveDoor(arrival.request);
  }

  #leaveDoor(request: IncomingMessage): void {
    if (request instanceof Http2Request) this.#http2.leave(request);
    else this.#connections.leave(request.socket);
  }

  async #turnAway(arrival: Arrival, refusal: Refusal): Promise<void> {
    this.#options.onTurnedAway?.(arrival.request);
    this.#log.request(arrival, refusal);
    const { status, isStranger, origin } = refusal;
    if (this.#decoy === undefined || !isStranger || origin !== undefined) refuse(arrival, status, refusal);
    else await showDecoy(this.#decoy, arrival, (error) => this.#log.failedDecoy(error));
    if (arrival.request instanceof Http2Request) this.#http2.end(arrival.request);
  }
}

function connectionOf(arrival: Arrival): Duplex {
  return 'socket' in arrival ? arrival.socket : wayOf(arrival.request);
}

function destroyThis(this: Duplex): void {
  this.destroy();
}
