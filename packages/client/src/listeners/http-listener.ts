import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseAuthority, type Target } from 'wsproxy-protocol';
import { parseAbsoluteForm, schemeOf } from './absolute-form.js';
import { forwardRequest } from './http-forward.js';
import { countHeader, hasUnknownTransferCoding } from './http-headers.js';
import { encodeRefusal, type HttpRefusal, REFUSALS, refusalOf } from './http-refusal.js';
import type { LocalConnection } from './local-connection.js';
import { openChannel, type Replies } from './open-channel.js';

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADER_FIELDS = 100;

const connectReplies: Replies = {
  // Without Content-Length or Transfer-Encoding (RFC 9110 section 9.3.6).
  success: () => 'HTTP/1.1 200 Connection established\r\n\r\n',
  failure: (code) => encodeRefusal(refusalOf(code)),
};

/**
 * The HTTP side of a local port: CONNECT, and plain requests in absolute form. Takes one request per connection;
 * what follows a request that was refused is never looked at (RFC 9931).
 */
export class HttpListener {
  readonly #isOwnPort: (target: Target) => boolean;
  /** Only parses: it never listens, hence its own time-outs do not run, and the deadline of LocalConnection counts. */
  readonly #server: Server;
  /** Connections whose request has not come yet. */
  readonly #waiting = new WeakMap<Duplex, LocalConnection>();

  /** @param isOwnPort whether a target is the very port this listener serves. */
  constructor(isOwnPort: (target: Target) => boolean) {
    this.#isOwnPort = isOwnPort;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false, insecureHTTPParser: false });
    // Node drops fields beyond the maximum without a word: one more than allowed tells that there were too many.
    this.#server.maxHeadersCount = MAX_HEADER_FIELDS + 1;
    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response);
    this.#server.on('request', onRequest);
    this.#server.on('checkContinue', onRequest);
    this.#server.on('checkExpectation', (request: IncomingMessage) => {
      this.#refuse(request, REFUSALS.BAD_EXPECTATION);
    });
    this.#server.on('connect', (request, socket, head) => this.#onConnect(request, socket, head));
    this.#server.on('clientError', (error, socket) => this.#onInvalidInput(error, socket));
  }

  /** Serves a connection whose first bytes are `input`. */
  serve(connection: LocalConnection, input: Buffer): void {
    const { socket } = connection;
    this.#waiting.set(socket, connection);
    connection.onDeadline = () => {
      this.#waiting.delete(socket);
      connection.refuse(REFUSALS.TOO_SLOW.text, encodeRefusal(REFUSALS.TOO_SLOW));
    };
    socket.pause();
    socket.unshift(input);
    this.#server.emit('connection', socket);
    socket.resume();
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#take(socket);
    // Pipelined behind another request, and Node has given up the socket: nobody else would end it.
    if (connection === undefined) return abandon(socket);
    const target = parseAuthority(request.url ?? '');
    const refusal = refusalOfConnect(request);
    if (refusal !== undefined) return connection.refuse(refusal.text, encodeRefusal(refusal));
    if (target === undefined) {
      return connection.refuse(REFUSALS.BAD_AUTHORITY.text, encodeRefusal(REFUSALS.BAD_AUTHORITY));
    }
    openChannel(connection, target, head, connectReplies);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void { }
}
