import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { formatHead } from 'wsproxy-node/http-message';
import { respondTo } from 'wsproxy-node/internals';
import { joinStreams } from 'wsproxy-node/sockets';
import type { Found } from '../limits/guard.js';
import { Exchange, type Front } from './exchange.js';
import { readRequest, upgradedFields } from './forwarded-heads.js';
import type { NameLimits } from './name-limits.js';
import type { NameOwner } from './name-owner.js';
import { answerConnection, answerHere, type OwnStatus } from './own-answers.js';
import { OwnerConnections } from './owner-connections.js';

const MAX_HEAD = 16_384;
/** Of one connection at a time; nobody but programs that measure sends several without waiting for the answer. */
const MAX_PIPELINED = 8;

/** Takes requests, each by itself, to the one who holds the name that it asks for. */
export class NameRequests {
  readonly #options: NameRequestsOptions;
  readonly #http: HttpServer;
  readonly #owners = new WeakMap<NameOwner, OwnerConnections>();
  /** What is under way on a connection. */
  readonly #exchanges = new WeakMap<Socket, Exchange>();
  readonly #queues = new WeakMap<Socket, Queue>();
  #keepsConnections = true;

  constructor(options: NameRequestsOptions) {
    this.#options = options;
    const http = createServer({
      // Node's own deadlines begin anew with each request of a connection, and it sees to them only now and then.
      ...{ headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 },
      ...{ requireHostHeader: false, maxHeaderSize: MAX_HEAD, insecureHTTPParser: false },
    });
    // No bound but the size: headers beyond a count are dropped in silence, and a Host might be among them.
    http.maxHeadersCount = 0;
    http.setTimeout(options.limits.stallTime, (socket: Socket) => this.#onSilence(socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      http.on(event, (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response));
    }
    http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#onUpgrade(request, socket, head),
    );
    http.on('connect', (_request: IncomingMessage, socket: Socket) => {
      if (!this.#isBusy(socket)) answerConnection(socket, 405);
    });
    http.on('clientError', (error, socket) => this.#onInvalid(error, socket as Socket));
    this.#http = http;
  }

  /** A connection on which HTTP is spoken. */
  take(socket: Socket): void {
    this.#http.emit('connection', socket);
  }

  /** From now on strangers are told that their connection ends with the answer. */
  keepNone(): void {
    this.#keepsConnections = false;
  }

  /** `owner` has another client. */
  onMoved(owner: NameOwner): void {
    this.#owners.get(owner)?.onMoved();
  }

  /** `owner` has no client any more: what is under way goes on. */
  onOver(owner: NameOwner): void {
    this.#owners.get(owner)?.kept.drop();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const queue = this.#queues.get(socket) ?? { last: Promise.resolve(), length: 0 };
    this.#queues.set(socket, queue);
    queue.length += 1;
    if (queue.length > MAX_PIPELINED) return void socket.destroy();
    if (queue.length === 1) this.#options.onBusy(socket);
    const closed = new Promise<void>((resolve) => {
      response.once('close', () => resolve());
    });
    queue.last = queue.last.then(async () => {
      if (!this.#keepsConnections) response.shouldKeepAlive = false;
      if (!response.destroyed) void this.#serve({ request, response: () => response, onUpgraded: () => {} }, response);
      await closed;
      queue.length -= 1;
      if (queue.length === 0) this.#onAnswered(request);
    });
  }

  /** The next request may come; what is left of this one is read and dropped by Node, if it comes soon. */
  #onAnswered({ socket, complete }: IncomingMessage): void {
    if (socket.destroyed) return;
    const { idleTime, headTime } = this.#options.limits;
    this.#options.onIdle(socket, complete ? idleTime : headTime);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    let response: ServerResponse | undefined;
    if (this.#isBusy(socket)) return;
    socket.on('error', () => {});
    this.#options.onBusy(socket);
    const front: Front = {
      request,
      response: () => {
        response ??= respondTo(request);
        if (response === undefined) answerConnection(socket, 502);
        else response.shouldKeepAlive = false;
        return response;
      },
      onUpgraded: (answer, stream, rest) => {
        socket.setTimeout(0);
        socket.write(formatHead(`HTTP/1.1 101 ${answer.statusMessage}`, upgradedFields(answer)));
        if (rest.length > 0) stream.unshift(rest);
        if (head.length > 0) socket.unshift(head);
        joinStreams(socket, stream);
      },
    };
    void this.#serve(front, socket);
  }

  /** `closing` closes when the answer is over, or will never be. */
  async #serve(front: Front, closing: ServerResponse | Socket): Promise<void> {
    const { request } = front;
    const { find, isTrusted } = this.#options;
    const refuse = (status: OwnStatus): void => {
      const response = front.response();
      if (response !== undefined) answerHere(response, status);
    };
    const asked = readRequest(request, isTrusted(request.socket.remoteAddress));
    if (typeof asked === 'number') return refuse(asked);
    const found = asked.name === undefined ? undefined : find(asked.name);
    const owner = found instanceof Promise ? await found : found;
    if (closing.destroyed) return;
    if (owner === undefined) return refuse(404);

    const endVisit = owner.beginVisit();
    if (endVisit === undefined) return refuse(503);
    closing.once('close', endVisit);
    const connections = this.#connectionsOf(owner);
    const gone = new AbortController();
    closing.once('close', () => gone.abort());
    if (!(await connections.beginRequest(gone.signal))) {
      if (!gone.signal.aborted) refuse(503);
      return;
    }
    if (gone.signal.aborted) return connections.endRequest();
    const exchange = new Exchange(asked, front, connections);
    this.#exchanges.set(request.socket, exchange);
    closing.once('close', () => {
      exchange.end(closing.writableFinished);
      connections.endRequest();
    });
    try {
      exchange.begin();
    } catch {
      // Node may send on less than it reads.
      refuse(400);
    }
  }

  #connectionsOf(owner: NameOwner): OwnerConnections {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const connections = new OwnerConnections(owner, this.#options.limits);
    this.#owners.set(owner, connections);
    return connections;
  }

  #onSilence(socket: Socket): void {
    if (this.#exchanges.get(socket)?.waitsForStranger === true) socket.destroy();
    // Node tells once.
    else socket.setTimeout(this.#options.limits.stallTime);
  }

  /** Node has found no request in what has come. */
  #onInvalid(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#isBusy(socket)) return;
    if (!socket.writable || !error.code?.startsWith('HPE_')) socket.destroy();
    else answerConnection(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400);
  }

  /**
   * Whether a request is under way to which no other response can come first: an answer of ours could be taken for a part of
   * that of the service. The connection is closed then.
   */
  #isBusy(socket: Socket): boolean {
    const isBusy = (this.#queues.get(socket)?.length ?? 0) > 0;
    if (isBusy) socket.destroy();
    return isBusy;
  }
}

export interface NameRequestsOptions {
  /** Who takes the requests for a canonical name. */
  readonly find: (name: string) => Found<NameOwner>;
  readonly limits: NameLimits;
  /** Whether the peer with this address may say for whom it is. */
  readonly isTrusted: (address: string | undefined) => boolean;
  /** A connection has a request. */
  readonly onBusy: (socket: Socket) => void;
  /** It has none any more, and so long for the next, ms. */
  readonly onIdle: (socket: Socket, time: number) => void;
}

interface Queue {
  last: Promise<void>;
  length: number;
}
