import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import type { Arrival } from './transport-acceptor.js';

/** An ordinary request and its answer, of HTTP/1.1 or of HTTP/2. */
export interface Exchange {
  /** Its head. */
  readonly request: IncomingMessage;
  /** What comes with it. */
  readonly body: Readable;
  /** What goes back; begins with `begin`. */
  readonly answer: Writable;
  begin(status: number, headers: OutgoingHttpHeaders): void;
  readonly hasBegun: boolean;
  /** Before `begin`: no other request follows on a connection of HTTP/1.1. */
  closeAfter(): void;
  /** Invites the body, for one who waits for that. */
  invite(): void;
  /** Whether `received` bytes of a body that has ended are all of it. */
  isWhole(received: number): boolean;
  /** Whether all of the answer has left. */
  readonly isAnswered: boolean;
}

/** Undefined for a request that wants the connection, or a stream, for itself. */
export function exchangeOf(arrival: Arrival): Exchange | undefined {
  if ('response' in arrival) return overHttp1(arrival);
  return 'stream' in arrival && arrival.request.method !== 'CONNECT' ? overHttp2(arrival) : undefined;
}

/**
 * Ends an answer that nobody waits for any more. One that has not begun says so: a balancer takes a connection that is cut before for a
 * server that is down, and asks others for some time.
 */
export function giveUp(exchange: Exchange): void {
  const { answer } = exchange;
  if (exchange.hasBegun || answer.destroyed) {
    if (!answer.writableFinished) answer.destroy();
    return;
  }
  exchange.closeAfter();
  exchange.begin(409, {});
  answer.end();
}

function overHttp1({ request, response }: Extract<Arrival, { response: unknown }>): Exchange {
  return {
    ...{ request, body: request, answer: response },
    begin: (status, headers) => void response.writeHead(status, headers),
    get hasBegun() {
      return response.headersSent;
    },
    closeAfter() {
      response.shouldKeepAlive = false;
    },
    invite: () => response.writeContinue(),
    isWhole: () => request.complete,
    get isAnswered() {
      return response.writableFinished;
    },
  };
}

function overHttp2({ request, stream }: Extract<Arrival, { stream: unknown }>): Exchange {
  // One that was reset ends like one that is over: only the code tells, and what the head has said of the length.
  const isReset = (): boolean => (stream.rstCode ?? 0) !== 0;
  const { 'content-length': length } = request.headers;
  return {
    ...{ request, body: stream, answer: stream },
    begin(status, headers) {
      if (!stream.destroyed && !stream.closed) stream.respond({ ':status': status, ...headers });
    },
    get hasBegun() {
      return stream.headersSent;
    },
    closeAfter() {},
    invite: () => stream.additionalHeaders({ ':status': 100 }),
    isWhole: (received) => !isReset() && (length === undefined || Number(length) === received),
    get isAnswered() {
      return stream.headersSent && stream.writableFinished && !isReset();
    },
  };
}
