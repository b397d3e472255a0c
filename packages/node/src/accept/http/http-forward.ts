import {
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { formatTarget, type Tunnel, TunnelError } from 'wsproxy-engine';
import { closeBehindResponse, sendHead } from '../../internals/undocumented.js';
import { boundInterim } from '../../sockets/bound-interim.js';
import { type Unread, unwatch, watchForReset } from '../../sockets/reset-watch.js';
import { closePolitely, cutOff, destroyLate } from '../close-politely.js';
import { openStream } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { Destination } from './absolute-form.js';
import { endToEndHeaders, hasUnknownTransferCoding } from './http-headers.js';
import { encodeRefusal, type HttpRefusal, REFUSALS, refusalOf } from './http-refusal.js';

/**
 * Sends a plain request through a channel of its own, and its response back; both as they come. There is no Via
 * field: a destination is told no more about the way here than it is by SOCKS or CONNECT.
 */
export function forwardRequest(
  tunnel: Tunnel,
  connection: LocalConnection,
  request: IncomingMessage,
  response: ServerResponse,
  destination: Destination,
): void {
  const { socket, logger } = connection;
  const fields = { target: formatTarget(destination.target) };
  connection.endHandshake();
  // The application may still be sending.
  closeBehindResponse(socket, () => closePolitely(socket));

  let over = false;
  let incoming: IncomingMessage | undefined;
  // By an error: without one the destination would see an end behind what it has had of the request.
  const giveUp = (): void => void upstream.destroy(new TunnelError('CANCELLED'));
  const fail = (refusal: HttpRefusal): void => {
    if (over) return;
    over = true;
    logger.info({ ...fields, reason: refusal.text }, 'plain request failed');
    // Whatever ends the parser, Node takes a response that the end of the connection delimits for complete.
    incoming?.unpipe(response);
    giveUp();
    if (response.headersSent) return cutOff(socket);
    closePolitely(socket, encodeRefusal(refusal, request.method));
    request.unpipe(upstream).resume();
  };

  const stream = openStream(tunnel, destination.target, {
    kind: 'http',
    onOpen: () => logger.debug(fields, 'channel open'),
    onFail: (code) => fail(refusalOf(code)),
  });
  const upstream = openRequest({
    createConnection: () => stream,
    method: request.method,
    path: destination.requestTarget,
    headers: requestHeaders(request, destination),
    maxHeaderSize: MAX_RESPONSE_HEADER,
  });
  // Node would drop fields beyond its maximum without a word; their bytes are limited already.
  upstream.maxHeadersCount = 0;
  upstream.on('error', (error) => {
    // The response is complete, and stays so when the destination hangs up on the rest of the request.
    if (incoming?.complete === true) request.unpipe(upstream).resume();
    else fail(refusalOfError(error));
  });
  boundInterim(upstream, MAX_RESPONSE_HEADER, () => fail(REFUSALS.BAD_RESPONSE));
  upstream.on('information', (interim) => {
    if (!over) passOnInterim(interim, request, response);
  });
  // Nobody asked for a 101: the Upgrade field never travels on. Node gives the stream away with this event.
  upstream.on('upgrade', () => {
    stream.destroy();
    fail(REFUSALS.BAD_RESPONSE);
  });
  upstream.on('response', (message) => {
    incoming = message;
    incoming.on('error', (error) => fail(refusalOfError(error)));
    if (!writeHead(response, incoming)) return fail(REFUSALS.BAD_RESPONSE);
    incoming.pipe(response);
    incoming.once('end', () => {
      over = true;
      request.unpipe(upstream).resume();
      // A destination that does not close its side is not waited for.
      destroyLate(stream);
    });
  });

  request.pipe(upstream);
  socket.once('end', () => passOnEnd(upstream, stream));
  const watched: Unread = { socket, onDead: () => socket.destroy() };
  watchForReset(watched);
  socket.once('close', () => {
    unwatch(watched);
    if (over) return;
    over = true;
    giveUp();
  });
}

function requestHeaders(request: IncomingMessage, { authority }: Destination): string[] {
  // RFC 9112 section 3.2.2: the Host of the request-target, whatever the application's Host field says.
  const headers = ['Host', authority, ...endToEndHeaders(request, 'host')];
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  if (length !== undefined) headers.push('Content-Length', length);
  else if (coding !== undefined) headers.push('Transfer-Encoding', 'chunked');
  else if (!WITHOUT_CONTENT.has(request.method ?? '')) headers.push('Content-Length', '0');
  headers.push('Connection', 'close');
  return headers;
}

/** False when the response cannot be passed on. */
function writeHead(response: ServerResponse, incoming: IncomingMessage): boolean {
  const { statusCode = 0 } = incoming;
  if (statusCode < 200 || hasUnknownTransferCoding(incoming)) return false;
  const headers = endToEndHeaders(incoming);
  const length = incoming.headers['content-length'];
  if (length !== undefined) headers.push('Content-Length', length);
  headers.push('Connection', 'close');
  response.sendDate = false;
  try {
    response.writeHead(statusCode, incoming.statusMessage, headers);
  } catch {
    // Node parses status codes and reason phrases that it refuses to write.
    return false;
  }
  sendHead(response);
  return true;
}

/** 1xx, which HTTP/1.0 does not know (RFC 9110 section 15.2). Node can only write the ones it has methods for. */
function passOnInterim(interim: InformationEvent, request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersion === '1.0' || response.headersSent) return;
  const lines = [`HTTP/1.1 ${interim.statusCode} ${interim.statusMessage}`];
  const headers = endToEndHeaders(interim);
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  request.socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** The application has ended its half: so does the channel, and the destination decides what it makes of it. */
function passOnEnd(upstream: ClientRequest, stream: Duplex): void {
  if (upstream.writableFinished) stream.end();
  else upstream.once('finish', () => stream.end());
}

function refusalOfError(error: NodeJS.ErrnoException): HttpRefusal {
  if (error instanceof TunnelError) return refusalOf(error.code);
  return error.code?.startsWith('HPE_') ? REFUSALS.BAD_RESPONSE : REFUSALS.NO_RESPONSE;
}

/**
 * Of a response, and of all interim ones before it, in bytes; more than Node's default, since large cookies are not the
 * application's fault.
 */
const MAX_RESPONSE_HEADER = 64 * 1024;
/** Methods that Node sends without framing when there is no content (RFC 9110 section 8.6). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);
