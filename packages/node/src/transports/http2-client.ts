import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { HTTP2_WINDOW } from './http2-window.js';
import { loadHttp2 } from './load-http2.js';
import type { WayToServer } from './open-transport.js';
import { SocketBelowHttp2 } from './socket-below-http2.js';

/** What is offered by ALPN (RFC 7301) where HTTP/2 can be used. */
export const WITH_HTTP2: readonly string[] = ['h2', 'http/1.1'];

/** Whether the server has chosen HTTP/2 for a connection. */
export function speaksHttp2(socket: Socket): socket is TLSSocket {
  return socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
}

/** HTTP/2 on a connection on which nothing was said yet; it ends with the connection. */
export function beginHttp2(socket: TLSSocket, { url }: Pick<WayToServer, 'url'>): ClientHttp2Session {
  const session = loadHttp2().connect(`https://${url.host}`, {
    createConnection: () => new SocketBelowHttp2(socket),
    settings: { enablePush: false, initialWindowSize: HTTP2_WINDOW, maxHeaderListSize: MAX_HEAD },
  });
  session.on('error', () => {});
  session.once('connect', () => {
    // It may have been given up in the same turn.
    if (!session.destroyed) session.setLocalWindowSize(HTTP2_WINDOW);
  });
  return session;
}

/** Those of every request: RFC 9113 section 8.3.1 has the Host as `:authority`. */
export function requestHeaders(
  { url }: Pick<WayToServer, 'url'>,
  headers: Readonly<Record<string, unknown>>,
): OutgoingHttpHeaders {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const { host = url.host, ...others } = Object.fromEntries(named) as OutgoingHttpHeaders;
  return { ':scheme': 'https', ':authority': host, ':path': `${url.pathname}${url.search}`, ...others };
}

/** Tells the answer's head, or why there is none: one of both, once. */
export function followStream(
  stream: ClientHttp2Stream,
  onAnswer: (status: number, headers: IncomingHttpHeaders) => void,
  onFailed: (error: Error) => void,
): void {
  let isSettled = false;
  let interim = 0;
  const fail = (error: Error): void => {
    if (isSettled) return;
    isSettled = true;
    onFailed(error);
  };
  // For good: what fails later must not end the process.
  stream.on('error', fail);
  stream.once('close', () => fail(new Error('the connection was closed before the answer')));
  stream.on('headers', (_headers, _flags, rawHeaders: readonly string[] = []) => {
    interim += INTERIM + rawHeaders.reduce((sum, text) => sum + text.length, 0);
    if (interim <= MAX_HEAD || isSettled) return;
    fail(new Error('the answer never comes: nothing but interim responses (1xx)'));
    stream.destroy();
  });
  stream.once('response', (headers) => {
    if (isSettled) return;
    isSettled = true;
    onAnswer(headers[':status'] ?? 0, headers);
  });
}

/** Of an answer's head, and of all interim ones before it, bytes; what each of these counts for at least. */
const MAX_HEAD = 16_384;
const INTERIM = 32;
