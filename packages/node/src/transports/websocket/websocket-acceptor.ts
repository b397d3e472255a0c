import type { IncomingMessage } from 'node:http';
import { type SlabPool, SUBPROTOCOL } from 'wsproxy-engine';
import type { AcceptHandler, Arrival, TransportAcceptor } from '../transport-acceptor.js';
import { canBeWebSocket, isUpgrade } from './upgrade-request.js';
import { Upgrades } from './upgrades.js';
import { WebSocketTransport } from './websocket-transport.js';

/** Upgrades to WebSocket (RFC 6455), and those of HTTP/2 (RFC 8441), at the server's end. */
export class WebSocketAcceptor implements TransportAcceptor {
  readonly name = 'WebSocket';
  readonly #memory: SlabPool;
  readonly #upgrades: Upgrades;

  /** `memory`: that their connections are read into. `headers`: of each answer that opens a transport, and of no other. */
  constructor(memory: SlabPool, headers: Readonly<Record<string, string>> = {}) {
    this.#memory = memory;
    this.#upgrades = new Upgrades({ headers, choose: () => SUBPROTOCOL, isLate: true });
  }

  recognizes(arrival: Arrival): boolean {
    return isUpgrade(arrival);
  }

  isRight(arrival: Arrival): boolean {
    return offersSubprotocol(arrival.request) && canBeWebSocket(arrival);
  }

  accept(arrival: Arrival, handler: AcceptHandler): void {
    const { socket } = arrival.request;
    const { onBroken } = handler;
    const end = { role: 'server', onBroken } as const;
    this.#upgrades.accept(arrival, {
      onRefused: (status) => handler.onRefused(status),
      onUpgraded: (ws) => {
        const transport = new WebSocketTransport(ws, socket, end, this.#memory);
        transport.onClosed = handler.onTransport(transport);
      },
      onStream: (late, stream) => {
        const transport = new WebSocketTransport(late, stream, end, this.#memory, socket);
        transport.onClosed = handler.onTransport(transport, 'WebSocket over HTTP/2');
      },
    });
  }
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}
