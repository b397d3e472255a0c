import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { type LateWebSocket, lateWebSocket } from '../../internals/undocumented.js';
import type { Arrival } from '../transport-acceptor.js';
import { canBeWebSocket, isUpgrade } from './upgrade-request.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';

/** WebSockets of other protocols at the server's end, in which each message is by itself. */
export class MessageWebSockets {
  readonly #limits: object;
  readonly #server: WebSocketServer;

  /** `maxPayload`: of a message, bytes. A longer one closes the WebSocket (1009). */
  constructor(maxPayload: number) {
    this.#limits = { ...WEBSOCKET_LIMITS, maxPayload };
    this.#server = new WebSocketServer({
      ...this.#limits,
      noServer: true,
      clientTracking: false,
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
  }

  /** Whether a request can be for a WebSocket, as far as its head tells. */
  isRight(arrival: Arrival): boolean {
    return isUpgrade(arrival) && canBeWebSocket(arrival);
  }

  /** Answers a request that is right, with the first of the subprotocols that it offers, if it offers any. */
  accept(arrival: Arrival, { onOpen, onRefused }: MessageWebSocketHandler): void {
    if ('stream' in arrival) return this.#acceptStream(arrival, { onOpen, onRefused });
    if (!('socket' in arrival)) return onRefused(400);
    const { request, socket, head } = arrival;
    // `ws` looks at method, version and key at once, and says so at once.
    const onClientError = (): void => onRefused(request.method === 'GET' ? 400 : 405);
    this.#server.once('wsClientError', onClientError);
    this.#server.handleUpgrade(request, socket, head, (ws) => onOpen(ws, socket));
    this.#server.off('wsClientError', onClientError);
  }

  /** RFC 8441 section 5.1: there is no key, and 200 takes the place of 101. */
  #acceptStream(
    { request, stream }: Extract<Arrival, { stream: unknown }>,
    { onOpen, onRefused }: MessageWebSocketHandler,
  ): void {
    if (Late === undefined) return onRefused(400);
    const [protocol = ''] = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    stream.respond({ ':status': 200, ...(protocol !== '' && { 'sec-websocket-protocol': protocol.trim() }) });
    const { ws, read } = new Late(null, undefined, { ...this.#limits, autoPong: true }).begin(stream);
    onOpen(ws, stream);
    stream.on('data', read);
  }
}

/** By which one is made on a stream of HTTP/2: `ws` has no other door for that. */
const Late = lateWebSocket(WebSocket) as unknown as LateClass | undefined;

type LateClass = new (address: null, protocols: undefined, options: object) => LateWebSocket<MessageWebSocket>;

interface MessageWebSocketHandler {
  /** Nothing was read yet. `connection`: what it is on. */
  readonly onOpen: (ws: MessageWebSocket, connection: Duplex) => void;
  /** It is no right request after all; it is still to be answered, with this status. */
  readonly onRefused: (status: 400 | 405) => void;
}

/** What is used of a `WebSocket` of `ws`. Not its own type: anyone who uses this package would need that too. */
export interface MessageWebSocket {
  /** Bytes that were sent, and that the system has not taken. */
  readonly bufferedAmount: number;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'pong', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  send(data: Uint8Array, done?: (error?: Error | null) => void): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
