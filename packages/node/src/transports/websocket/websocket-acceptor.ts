import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { type SlabPool, SUBPROTOCOL } from 'wsproxy-engine';
import { lateWebSocket } from '../../internals/undocumented.js';
import type { AcceptHandler, Arrival, TransportAcceptor } from '../transport-acceptor.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';
import { WebSocketTransport } from './websocket-transport.js';

/** Upgrades to WebSocket (RFC 6455) at the server's end. */
export class WebSocketAcceptor implements TransportAcceptor {
  readonly name = 'WebSocket';
  readonly #memory: SlabPool;
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
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    this.#server.on('headers', (head) => head.push(...lines));
  }

  /** To any protocol: `ws` looks at that. */
  recognizes(arrival: Arrival): boolean {
    return 'socket' in arrival;
  }

  isRight({ request }: Arrival): boolean {
    return offersSubprotocol(request) && !hasBody(request);
  }

  accept(arrival: Arrival, handler: AcceptHandler): void {
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
}

const Late = lateWebSocket(WebSocket);
const LATE = Late && { WebSocket: Late };

/** Its bytes would be taken for frames, while a reverse proxy may have taken them for a body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}
