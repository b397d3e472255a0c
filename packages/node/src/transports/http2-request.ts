import { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * The head of a request of HTTP/2, as one of HTTP/1.1 would have it (RFC 9113 section 8.3.1), so that everybody judges both alike. Its
 * body comes by `stream`.
 */
export class Http2Request extends IncomingMessage {
  readonly stream: ServerHttp2Stream;
  /** What an extended CONNECT asks for (RFC 8441): `websocket`. */
  readonly protocol: string | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[], socket: Socket) {
    super(socket);
    this.stream = stream;
    const { ':method': method, ':path': path, ':authority': authority, ':protocol': protocol } = headers;
    this.protocol = typeof protocol === 'string' ? protocol : undefined;
    this.method = method ?? '';
    this.url = path ?? '';
    this.httpVersion = '2.0';
    this.httpVersionMajor = 2;
    this.httpVersionMinor = 0;
    const others = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    this.headers = { ...Object.fromEntries(others), ...(authority !== undefined && { host: authority }) };
    this.rawHeaders = plainHeaders(rawHeaders, authority);
    this.complete = true;
    this.push(null);
  }
}

/** By what a request came alone: a stream of HTTP/2, or its connection. */
export function wayOf(request: IncomingMessage): Duplex {
  return request instanceof Http2Request ? request.stream : request.socket;
}

/** The authority is the Host; said twice, it counts once. */
function plainHeaders(rawHeaders: readonly string[], authority: string | undefined): string[] {
  const plain = authority === undefined ? [] : ['host', authority];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    const isAuthority = name === 'host' && value === authority;
    if (!name.startsWith(':') && !isAuthority) plain.push(name, value);
  }
  return plain;
}
