import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Transport } from 'wsproxy-engine';

/** One kind of transport at the server's end: makes it of a request whose sender was let in. */
export interface TransportAcceptor {
  /** Of the protocol, for the log. */
  readonly name: string;
  /** Whether a request is for a transport of this kind. */
  recognizes(arrival: Arrival): boolean;
  /** Whether a request for it can be one, as far as its head tells. */
  isRight(arrival: Arrival): boolean;
  /** Whether a request that is right belongs to a transport that is open already. Default: none does. */
  isPart?(arrival: Arrival): boolean;
  /**
   * Whose transport a part belongs to, if it carries the same `Authorization` as the request that opened the transport: its sender needs
   * no judging anew. Default: everybody is judged.
   */
  ownerOf?(arrival: Arrival): string | undefined;
  /** The same of two requests only if both are parts of one transport, and carry the same `Authorization`. Default: nothing. */
  partKeyOf?(arrival: Arrival): string | undefined;
  /** Answers a request that is right. `handler` must not be kept: it holds the request. */
  accept(arrival: Arrival, handler: AcceptHandler): void;
}

/**
 * A request as Node hands it out: with a response to give, or, if it wants to upgrade, with the bare connection. One of HTTP/2 has a
 * stream for both; nothing is read from `request` itself then, which has the head alone.
 */
export type Arrival = { readonly request: IncomingMessage } & (
  | { readonly response: ServerResponse }
  | { readonly socket: Duplex; readonly head: Buffer }
  | { readonly stream: ServerHttp2Stream }
);

/** What comes of a request. */
export interface AcceptHandler {
  /** The id of the user whose request it is. */
  readonly owner: string;
  /** The transport is open; returns what to call once its connection is closed. `way`: what carries it, if that is no WebSocket. */
  onTransport(transport: Transport, way?: string): () => void;
  /** It is a part of a transport that is open, which answers it in its own time. */
  onPart(): void;
  /** It is no right request after all; it is still to be answered, with this status. */
  onRefused(status: 400 | 405 | 409): void;
  /** A peer breaks the protocol; the transport closes by itself. May be kept, without its handler. */
  readonly onBroken: (error: Error) => void;
}
