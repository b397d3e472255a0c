import type { Duplex } from 'node:stream';
import type { Arrival } from '../transport-acceptor.js';
import { unmaskAhead } from './unmask-ahead.js';
import { canBeWebSocket, isUpgrade } from './upgrade-request.js';
import { Upgrades } from './upgrades.js';

/** WebSockets of other protocols at the server's end, in which each message is by itself. */
export class MessageWebSockets {
  readonly #upgrades: Upgrades;

  /** `maxPayload`: of a message, bytes. A longer one closes the WebSocket (1009). */
  constructor(maxPayload: number) {
    this.#upgrades = new Upgrades({ limits: { maxPayload }, choose: ([first]) => first });
  }

  /** Whether a request can be for a WebSocket, as far as its head tells. */
  isRight(arrival: Arrival): boolean {
    return isUpgrade(arrival) && canBeWebSocket(arrival);
  }

  /** Answers a request that is right, with the first of the subprotocols that it offers, if it offers any. */
  accept(arrival: Arrival, { onOpen, onRefused }: MessageWebSocketHandler): void {
    this.#upgrades.accept(arrival, {
      onRefused,
      onUpgraded: (ws, connection) => {
        unmaskAhead(connection);
        onOpen(ws, connection);
      },
      onStream: (late, stream) => {
        const { ws, read } = late.begin(stream);
        onOpen(ws, stream);
        unmaskAhead(stream);
        stream.on('data', read);
      },
    });
  }
}

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
