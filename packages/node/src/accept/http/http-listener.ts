import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerHalfOpen } from '../../internals/undocumented.js';
import { resetSocket } from '../../sockets/reset-socket.js';
import { parseBasic } from '../credentials.js';
import type { Reply } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { LocalService, ServedPort } from '../local-service.js';
import { forwardRequest } from './http-forward.js';
import { countHeader } from './http-headers.js';
import { encodeRefusal, REFUSALS, refusalOf, refuseHttp } from './http-refusal.js';
import { decideConnect, decideRequest, MAX_HEADER_BYTES, MAX_HEADER_FIELDS } from './http-rules.js';

/** CONNECT, and plain requests in absolute form. */
export function serveHttp(port: ServedPort): LocalService {
  return new HttpService(port);
}

/**
 * One request per connection: what follows one that was refused could be anything, and is dropped (RFC 9931).
 */
class HttpService implements LocalService {
  readonly #port: ServedPort;
  /** Only parses. Its own time-outs would not run, since it never listens: LocalConnection has the deadline. */
  readonly #server: Server;
  /** Connections whose request is not complete. */
  readonly #waiting = new WeakMap<Duplex, LocalConnection>();

  constructor(port: ServedPort) {
    this.#port = port;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    // Node drops fields beyond the maximum without a word, so that one more must get in to be noticed.
    this.#server.maxHeadersCount = MAX_HEADER_FIELDS + 1;
    // An application may end its half and still wait for the response.
    answerHalfOpen(this.#server);

    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response);
    this.#server.on('request', onRequest);
    this.#server.on('checkContinue', onRequest);
    this.#server.on('checkExpectation', (request) => {
      const connection = this.#take(request.socket);
      if (connection !== undefined) refuseHttp(connection, REFUSALS.BAD_EXPECTATION, request);
    });
    this.#server.on('connect', (request, socket, head) => this.#onConnect(request, socket, head));
    this.#server.on('clientError', (error, socket) => this.#onInvalidInput(error, socket));
  }

  /** Methods are written in capital letters. */
  begins(first: number): boolean {
    return first >= 0x41 && first <= 0x5a;
  }

  serve(connection: LocalConnection, input: Buffer): void {
    const { socket } = connection;
    this.#waiting.set(socket, connection);
    connection.onDeadline = () => {
      this.#waiting.delete(socket);
      refuseHttp(connection, REFUSALS.TOO_SLOW);
    };
    socket.pause();
    socket.unshift(input);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#take(socket);
    if (connection === undefined) return abandon(socket);
    const decision = decideConnect(request);
    if ('refusal' in decision) refuseHttp(connection, decision.refusal);
    else if (!this.#isAllowed(request)) refuseHttp(connection, REFUSALS.NEEDS_PASSWORD);
    else connection.enter(decision.accepted, head, CONNECT_REPLY);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#take(request.socket);
    // Pipelined behind the one request: "Connection: close" in its response says that this one was not taken.
    if (connection === undefined) return;
    const decision = decideRequest(request);
    if ('refusal' in decision) refuseHttp(connection, decision.refusal, request);
    else if (!this.#isAllowed(request)) refuseHttp(connection, REFUSALS.NEEDS_PASSWORD, request);
    else if (this.#port.isSelf(decision.accepted.target)) refuseHttp(connection, REFUSALS.LOOP, request);
    else forwardRequest(this.#port.tunnel, connection, request, response, decision.accepted);
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { isAllowed } = this.#port;
    if (isAllowed === undefined) return true;
    // Of two, Node would give the first and hide the other.
    if (countHeader(request, 'proxy-authorization') > 1) return false;
    const given = parseBasic(request.headers['proxy-authorization']);
    return given !== undefined && isAllowed(...given);
  }

  #onInvalidInput(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#take(socket);
    if (connection === undefined) return abandon(socket);
    refuseHttp(connection, error.code === 'HPE_HEADER_OVERFLOW' ? REFUSALS.HEADERS_TOO_LARGE : REFUSALS.MALFORMED);
  }

  #take(socket: Duplex): LocalConnection | undefined {
    const connection = this.#waiting.get(socket);
    this.#waiting.delete(socket);
    return connection;
  }
}

const CONNECT_REPLY: Reply = {
  kind: 'connect',
  // Without Content-Length or Transfer-Encoding (RFC 9110 section 9.3.6).
  success: () => 'HTTP/1.1 200 Connection established\r\n\r\n',
  failure: (code) => encodeRefusal(refusalOf(code)),
};

/**
 * Something came behind the one request, and Node has let go of the socket: end what is under way as cut, unless the
 * connection is closing anyway.
 */
function abandon(socket: Duplex): void {
  if (socket.writableEnded) socket.resume();
  else if (socket instanceof Socket) resetSocket(socket);
}
