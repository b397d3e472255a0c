import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { endToEnd, type Field, fieldsIn, formatHead, rawOf } from 'wsproxy-node/http-message';
import { boundInterim, resetSocket } from 'wsproxy-node/sockets';
import { type AskedFor, answeredFields, trailersOf } from './forwarded-heads.js';
import { answerHere, statusOf } from './own-answers.js';
import type { OwnerConnections, Repeatable } from './owner-connections.js';
import type { StreamEnd } from './stream-pair.js';

/** Heads of services, and all of their interim answers to one request. */
const MAX_HEAD: number = 64 * 1024;
const SWITCHING_PROTOCOLS = 101;

/**
 * One request and its answer, between a stranger and the service that has the name. Both bodies flow as they come, and an end
 * that is none on one side is none on the other.
 *
 * A request that was not answered with a single byte, by a connection that had been kept, is sent once more on a new one, if it
 * is repeatable (RFC 9112 section 9.3.1): the service may have closed it as the request came. No other request goes on a
 * connection that was kept, so none is ever lost by that.
 */
export class Exchange implements Repeatable {
  readonly #asked: AskedFor;
  readonly #front: Front;
  readonly #connections: OwnerConnections;
  #upstream: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  /** Once it has begun. */
  #response: ServerResponse | undefined;
  /** The final answer has begun, or nobody waits for one. */
  #isOver = false;

  constructor(asked: AskedFor, front: Front, connections: OwnerConnections) {
    this.#asked = asked;
    this.#front = front;
    this.#connections = connections;
  }

  /** Nothing can go on before the stranger brings, or takes, some bytes. */
  get waitsForStranger(): boolean {
    const { request } = this.#front;
    const isToBring = this.#asked.hasContent && !request.complete && this.#upstream?.writableNeedDrain !== true;
    return isToBring || (this.#response?.writableLength ?? 0) > 0;
  }

  begin(): void {
    if (this.#asked.isRepeatable) this.#connections.unanswered.add(this);
    this.#send(this.#asked.isRepeatable && this.#connections.mayReuse);
  }

  sendAgain(): void {
    if (this.#isOver) return;
    const before = this.#upstream;
    this.#send(false);
    before?.destroy();
  }

  /** The stranger has the whole answer, or has gone. */
  end(isWhole: boolean): void {
    this.#finish();
    // Nobody needs the rest of what it is sent.
    if (!isWhole || this.#upstream?.writableFinished === false) this.#upstream?.destroy();
  }

  #send(mayReuse: boolean): void {
    const { name = '', path, fields, options, isWebSocket } = this.#asked;
    const { open, kept } = this.#connections;
    // Some services compare it with "Upgrade" as a whole.
    const connection = isWebSocket ? options : [mayReuse ? 'keep-alive' : 'close', ...options];
    const headers = rawOf([...fields, { name: 'Connection', value: connection.join(', ') }]);
    const upstream = openRequest({
      ...{ method: this.#front.request.method ?? '', host: name, path, headers },
      ...{ setHost: false, insecureHTTPParser: false, maxHeaderSize: MAX_HEAD },
      // Without an agent one connection is for one request.
      ...(mayReuse ? { agent: kept } : { createConnection: () => open(name) }),
    });
    // Node would drop those beyond 2,000 in silence.
    upstream.maxHeadersCount = 0;
    this.#upstream = upstream;
    upstream.on('error', (error) => this.#onError(upstream, error));
    // Node tells nothing more of an answer that goes on in a protocol which nobody has asked for.
    upstream.once('close', () => {
      if (!this.#isOver) this.#onError(upstream, new Error('there was no answer'));
    });
    upstream.on('response', (answer) => {
      // Node leaves one open that could be kept.
      if (!mayReuse) answer.once('end', () => answer.socket.end());
      if (upstream === this.#upstream) this.#onAnswer(answer);
    });
    upstream.on('information', ({ statusCode, statusMessage, rawHeaders }) =>
      this.#interim(statusCode, statusMessage, rawHeaders),
    );
    boundInterim(upstream, MAX_HEAD, () => upstream.destroy(new Error('too many interim answers')));
    if (isWebSocket) {
      upstream.on('upgrade', (answer, stream, head) => {
        this.#finish();
        this.#front.onUpgraded(answer, stream as unknown as StreamEnd, head);
      });
    }
    this.#sendContent(upstream);
  }

  #sendContent(upstream: ClientRequest): void {
    const { request } = this.#front;
    if (!this.#asked.hasContent) return void upstream.end();
    request.pipe(upstream, { end: false });
    request.once('end', () => {
      addTrailers(upstream, trailersOf(request));
      upstream.end();
    });
    // The service need not take all of it before it answers.
    upstream.once('close', () => {
      request.unpipe(upstream);
      request.resume();
    });
  }

  #onError(upstream: ClientRequest, error: Error): void {
    // Node takes what ends so for whole, where the end of the connection is that of the answer.
    if (this.#answer?.complete === false) this.#cut();
    if (this.#isOver || upstream !== this.#upstream) return;
    if (upstream.reusedSocket && this.#asked.isRepeatable) return this.#send(false);
    this.#finish();
    const response = this.#front.response();
    if (response !== undefined) answerHere(response, statusOf(error));
  }

  #onAnswer(answer: IncomingMessage): void {
    if (this.#isOver) return void answer.destroy();
    // Nobody has asked for another protocol, and a proxy before this port may wait for another answer behind it.
    if (answer.statusCode === SWITCHING_PROTOCOLS) return void answer.destroy();
    this.#finish();
    this.#answer = answer;
    const response = this.#front.response();
    if (response === undefined) return void answer.destroy();
    this.#response = response;
    try {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.statusMessage,
        rawOf(answeredFields(answer, this.#front.request)),
      );
    } catch {
      // A character that no field may have.
      answer.destroy();
      return answerHere(response, 502);
    }
    // An event stream begins before its first event.
    response.flushHeaders();
    answer.pipe(response, { end: false });
    answer.once('end', () => {
      addTrailers(response, endToEnd(fieldsIn(answer.rawTrailers)));
      response.end();
    });
    answer.once('close', () => {
      if (!answer.complete) this.#cut();
    });
    // 'close' follows.
    answer.on('error', () => {});
  }

  #finish(): void {
    this.#isOver = true;
    this.#connections.unanswered.delete(this);
  }

  /** What was sent is not the whole: an end would pass for one (RFC 9112 section 8). */
  #cut(): void {
    resetSocket(this.#front.request.socket);
  }

  /** RFC 9110 section 15.2: passed on, but not to HTTP/1.0. Node can write few of them. */
  #interim(status: number, message: string, rawHeaders: readonly string[]): void {
    // Where Node has made no response none is to be begun.
    if (this.#isOver || this.#asked.isWebSocket || this.#front.request.httpVersion === '1.0') return;
    const response = this.#front.response();
    if (response === undefined || response.headersSent) return;
    // By which Node knows that it may keep the connection.
    if (status === 100) return response.writeContinue();
    response.socket?.write(formatHead(`HTTP/1.1 ${status} ${message}`, endToEnd(fieldsIn(rawHeaders))));
  }
}

/** The side that has asked. */
export interface Front {
  readonly request: IncomingMessage;
  /** Undefined where Node offers none. */
  readonly response: () => ServerResponse | undefined;
  /** The service goes on in another protocol. */
  readonly onUpgraded: (answer: IncomingMessage, stream: StreamEnd, head: Buffer) => void;
}

/** Anyone who cannot send them may leave them out (RFC 9110 section 6.5.1). */
function addTrailers(to: OutgoingMessage, fields: readonly Field[]): void {
  if (fields.length === 0) return;
  try {
    to.addTrailers(fields.map(({ name, value }): [string, string] => [name, value]));
  } catch {
    // A character that Node reads, and does not send.
  }
}
