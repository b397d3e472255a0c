import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { SlabPool, Transport } from 'wsproxy-engine';
import { holdsSecret } from '../secrets/holds-secret.js';

/**
 * Opens one kind of transport at the client's end. Rejects with `RefusedError`, or with what has failed, and leaves nothing
 * open then; so it does, with any error, when `signal` gives up.
 */
export type OpenTransport = (way: WayToServer, signal: AbortSignal) => Promise<Transport>;

/** Where the server is, and what to say there. */
export interface WayToServer {
  readonly url: URL;
  /** Of every request, the token among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** That sockets are read into. */
  readonly memory: SlabPool;
  /** Told of the head of each answer, no matter what it says; cookies that it sets are told to nobody else. */
  readonly onAnswer?: (status: number, headers: IncomingHttpHeaders) => void;
  /** One more connection, on which nothing was said yet. `protocols`: offered by ALPN in TLS; default HTTP/1.1 alone. */
  connect(protocols?: readonly string[]): Promise<ServerConnection>;
  /** A session that runs would move to what opens: the server has to answer by it first. Default: it need not. */
  readonly isTrial?: boolean;
  /** Asked with each answer, the first one first: of the next requests for the same transport. Default: the same headers. */
  readonly headersAfter?: (answer: IncomingHttpHeaders) => Readonly<Record<string, string>>;
  /** A proxy that passes requests on as they are, with these headers for it. Default: there is none. */
  readonly proxied?: {
    readonly headers: Readonly<Record<string, string>>;
    connect(): Promise<ServerConnection>;
  };
}

export interface ServerConnection {
  /** With TLS, if the URL wants it. */
  readonly socket: Socket;
  /** Nobody on the way reads what goes over it. */
  readonly isPrivate: boolean;
}

/** The server, or somebody before it, has answered, but not with a transport. */
export class RefusedError extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What was asked for. */
  readonly asked: 'WebSocket' | 'HTTP';

  constructor(status: number, headers: IncomingHttpHeaders, asked: 'WebSocket' | 'HTTP' = 'WebSocket') {
    super(`the answer has status ${status}`);
    this.status = status;
    this.headers = headers;
    this.asked = asked;
  }
}

/** What has answered does not speak HTTP, or not as RFC 9112 has it. */
export class NotHttpError extends Error {}

/** What has answered takes no WebSockets over HTTP/2 (RFC 8441). */
export class NoHttp2Error extends Error {}

/** The same, without what is nobody's business: cookies, and a place to go that has one of `secrets`. */
export function refusedBy(
  status: number,
  headers: IncomingHttpHeaders,
  secrets: readonly string[],
  asked?: RefusedError['asked'],
): RefusedError {
  const { location = '', 'set-cookie': _, ...others } = headers;
  const told = location === '' || holdsSecret(location, secrets) ? others : { location, ...others };
  return new RefusedError(status, told, asked);
}
