import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { type SlabPool, SUBPROTOCOL } from 'wsproxy-engine';
import { type LateWebSocket, lateWebSocket } from '../../internals/undocumented.js';
import type { AcceptHandler, Arrival, TransportAcceptor } from '../transport-acceptor.js';
import { canBeWebSocket, isUpgrade } from './upgrade-request.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';
import { WebSocketTransport, type WsWebSocket } from './websocket-transport.js';

/** Upgrades to WebSocket (RFC 6455), and those of HTTP/2 (RFC 8441), at the server's end. */
export class WebSocketAcceptor implements TransportAcceptor {
  readonly name = 'WebSocket';
  readonly #memory: SlabPool;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #server = new WebSocketServer({
    ...WEBSOCKET_LIMITS,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
    ...LATE,
  });

  /** `memory`: that their connections are read into. `headers`: of each answer that opens a transport, and of no other. */
  constructor(memory: SlabPool, headers: Readonly<Record<string, string>> = {}) {
    this.#memory = memory;
    this.#headers = headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    this.#server.on('headers', (head) => head.push(...lines));
  }

  recognizes(arrival: Arrival): boolean {
    return isUpgrade(arrival);
  }

  isRight(arrival: Arrival): boolean {
    return offersSubprotocol(arrival.request) && canBeWebSocket(arrival);
  }

  accept(arrival: Arrival, handler: AcceptHandler): void {
    if ('stream' in arrival) return this.#acceptStream(arrival, handler);
    if (!('socket' in arrival)) return handler.onRefused(400);
    const { request, socket, head } = arrival;
    // `ws` looks at method, version and key at once, and says so at once.
    const onClientError = (): void => handler.onRefused(request.method === 'GET' ? 400 : 405);
    this.#server.once('wsClientError', onClientError);
    const { onBroken } = handler;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const transport = new WebSocketTransport(ws, request.socket, { role: 'server', onBroken }, this.#memory);
      transport.onClosed = handler.onTransport(transport);
    });
    this.#server.off('wsClientError', onClientError);
  }

  /** RFC 8441 section 5.1: there is no key, and 200 takes the place of 101. */
  #acceptStream({ stream, request }: Extract<Arrival, { stream: unknown }>, handler: AcceptHandler): void {
    const { onBroken } = handler;
    const late = lateOnStream();
    if (late === undefined) return handler.onRefused(400);
    stream.respond({ ':status': 200, 'sec-websocket-protocol': SUBPROTOCOL, ...this.#headers });
    const transport = new WebSocketTransport(late, stream, { role: 'server', onBroken }, this.#memory, request.socket);
    transport.onClosed = handler.onTransport(transport, 'WebSocket over HTTP/2');
  }
}

const Late = lateWebSocket(WebSocket);
const LATE = Late && { WebSocket: Late };

/** Whether there are WebSockets over HTTP/2: `ws` has no other door for them. */
export const takesHttp2: boolean = Late !== undefined;

function lateOnStream(): LateWebSocket<WsWebSocket> | undefined {
  if (Late === undefined) return undefined;
  const Made = Late as unknown as new (address: null, protocols: undefined, options: object) => unknown;
  return new Made(null, undefined, { ...WEBSOCKET_LIMITS, autoPong: true }) as LateWebSocket<WsWebSocket>;
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}
