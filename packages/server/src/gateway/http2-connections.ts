import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { HTTP2_WINDOW, Http2Request, loadHttp2, SocketBelowHttp2, takesHttp2 } from 'wsproxy-node/transports';
import type { Guard } from '../limits/guard.js';
import type { Connections } from './connections.js';
import { Door } from './door.js';
import type { RefusalLog } from './refusal-log.js';

/**
 * Connections on which HTTP/2 is spoken. Each of their streams is one request, which waits at a door as a connection of HTTP/1.1
 * does. The connection itself waits at its own until one of them has come in; from then on it may stay as long as it has streams.
 */
export class Http2Connections {
  readonly #options: Http2ConnectionsOptions;
  readonly #door: Door<StreamVisitor>;
  readonly #open = new Set<Http2Connection>();
  readonly #byStream = new WeakMap<ServerHttp2Stream, Http2Connection>();

  constructor(options: Http2ConnectionsOptions) {
    const { places, handshakeTimeout, guard, log } = options;
    this.#options = options;
    this.#door = new Door({
      ...{ places, time: 2 * handshakeTimeout },
      onLate: (stream) => {
        guard?.hit('upgradeTimeout');
        log.late(stream);
        return false;
      },
      onCrowded: () => guard?.hit('unauthenticated'),
    });
  }

  /** Requests that were reset because too many waited. */
  get dropped(): number {
    return this.#door.crowded;
  }

  /** The client has chosen HTTP/2 in its TLS handshake. */
  take(socket: TLSSocket): void {
    const { connections, handshakeTimeout, maxHeaderSize } = this.#options;
    connections.leaveToStreams(socket);
    const below = new SocketBelowHttp2(socket, true);
    const session = loadHttp2().performServerHandshake(below as unknown as TLSSocket, {
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: maxHeaderSize,
        ...(takesHttp2 && { enableConnectProtocol: true }),
      },
    });
    const connection = new Http2Connection(session, below, socket, handshakeTimeout);
    this.#open.add(connection);
    session.on('error', () => {});
    session.once('close', () => this.#open.delete(connection));
    session.on('stream', (...[stream, headers, , rawHeaders]: StreamEvent) => {
      this.#onStream(connection, socket, new Http2Request(stream, headers, rawHeaders, socket));
    });
  }

  /** It has become a transport, or a part of one: it has its time, and so has its connection. */
  leave({ stream, socket }: Http2Request): void {
    this.#door.leave(stream as StreamVisitor);
    this.#options.connections.leave(socket);
    this.#byStream.get(stream)?.enter();
  }

  /** It was refused: its connection takes no further requests, and ends with those that it has. */
  end({ stream }: Http2Request): void {
    this.#byStream.get(stream)?.end();
  }

  /** Resolves when all requests that have come have their answer, or after `time` ms. No connection takes further ones. */
  settled(time: number): Promise<void> {
    for (const connection of this.#open) connection.end();
    return this.#door.settled(time);
  }

  /** Ends all requests that wait, and each connection with its last stream. */
  close(): void {
    this.#door.close();
    for (const connection of this.#open) connection.end();
  }

  #onStream(connection: Http2Connection, socket: Socket, request: Http2Request): void {
    const { stream } = request;
    // 'close' follows.
    stream.on('error', () => {});
    if (!connection.begin(stream)) return;
    this.#byStream.set(stream, connection);
    this.#options.connections.giveTime(socket);
    this.#door.admit(Object.assign(stream, { remoteAddress: socket.remoteAddress }));
    if (!stream.destroyed) this.#options.onRequest(request);
  }
}

/** One connection, and how long it may be without streams. */
class Http2Connection {
  readonly #session: ServerHttp2Session;
  readonly #below: SocketBelowHttp2;
  readonly #socket: Socket;
  readonly #patience: number;
  /** Streams so far, and those that are open. */
  #count = 0;
  #streams = 0;
  /** Somebody has come in by it. */
  #isIn = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: ServerHttp2Session, below: SocketBelowHttp2, socket: Socket, patience: number) {
    this.#session = session;
    this.#below = below;
    this.#socket = socket;
    this.#patience = patience;
    socket.once('close', () => clearTimeout(this.#timer));
  }

  /** False for one too many of strangers: everything is ended then. */
  begin(stream: ServerHttp2Stream): boolean {
    this.#count += 1;
    if (!this.#isIn && this.#count > MAX_STREAMS) {
      this.#session.destroy();
      return false;
    }
    this.#streams += 1;
    clearTimeout(this.#timer);
    stream.once('close', () => {
      this.#streams -= 1;
      this.#leaveSoon();
    });
    return true;
  }

  /** Somebody has come in: what the peer may send ahead is bounded by the windows of channels from here on. */
  enter(): void {
    if (this.#isIn || this.#session.destroyed) return;
    this.#isIn = true;
    this.#below.letIn();
    this.#session.settings({ initialWindowSize: HTTP2_WINDOW });
    this.#session.setLocalWindowSize(HTTP2_WINDOW);
  }

  /** It takes no more streams, and is closed with the last of those that it has. */
  end(): void {
    if (!this.#session.closed) this.#session.close();
    this.#leaveSoon();
  }

  /** Until somebody has come in its time at the door ends it. A peer need not end its half only because the session is over. */
  #leaveSoon(): void {
    if (this.#streams > 0 || !this.#isIn || this.#socket.destroyed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#patience).unref();
  }
}

type StreamEvent = [
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
];

type StreamVisitor = ServerHttp2Stream & { readonly remoteAddress: string | undefined };

export interface Http2ConnectionsOptions {
  /** Of the connections themselves. */
  readonly connections: Pick<Connections, 'leaveToStreams' | 'giveTime' | 'leave'>;
  /** Requests that wait at a time. */
  readonly places: number;
  /** For a request to say who it is, and as long again for its answer, ms; and for a connection without streams. */
  readonly handshakeTimeout: number;
  /** Of a request, bytes. */
  readonly maxHeaderSize: number;
  readonly guard: Pick<Guard, 'hit'> | undefined;
  readonly log: Pick<RefusalLog, 'late'>;
  readonly onRequest: (request: Http2Request) => void;
}

/** That a connection may have at a time, and strangers all together: a transport takes up to four. */
const MAX_STREAMS = 8;
