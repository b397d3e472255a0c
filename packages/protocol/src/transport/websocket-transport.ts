import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { endsAsClosing } from './closing-tail.js';
import { deafReceiver, type Transport, type TransportReceiver } from './transport.js';

/** RFC 6455 section 5.5: a control frame carries 125 bytes, 2 of them the close code. */
const MAX_REASON = 123;
/** `WebSocket.OPEN`; the class itself is not imported, so that this package depends on nothing. */
const OPEN = 1;
const NOTHING = Buffer.alloc(0);

/** What `ws` is told at either end. It has most of these defaults too high for a peer that is hostile, or wastes time. */
export const WEBSOCKET_LIMITS = {
  /** A peer that may inflate makes 64 KiB on the wire 64 MiB in memory. */
  perMessageDeflate: false,
  /** A message above this is not from a wsproxy, bytes. */
  maxPayload: 262_144,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
  /** Messages are binary. */
  skipUTF8Validation: true,
  /** How long a peer may leave our close frame unanswered, ms. */
  closeTimeout: 3_000,
} as const;

/** The one place that knows `ws`: an open WebSocket as a transport. */
export class WebSocketTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;

  readonly #ws: WebSocket;
  readonly #socket: Socket;
  #error = '';
  /** A message that may have been cut off, and ended by somebody's close frame; counts when something follows it. */
  #doubtful: Buffer | undefined;

  /** `socket` is the connection beneath `ws`, so that the parts of a batch can leave in one write. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
    ws.binaryType = 'nodebuffer';
    ws.on('message', (data, isBinary) => {
      if (!isBinary) this.receiver.onText();
      else if (Buffer.isBuffer(data)) this.#onMessage(data);
    });
    ws.on('error', (error) => {
      this.#error = error.message;
    });
    ws.on('close', (code, reason) => {
      this.receiver.onClose(code, reason.toString('utf8') || this.#error);
    });
  }

  #onMessage(data: Buffer): void {
    const before = this.#doubtful;
    this.#doubtful = undefined;
    if (before !== undefined) this.receiver.onBytes(before);
    if (endsAsClosing(data)) this.#doubtful = data;
    else if (data.length > 0) this.receiver.onBytes(data);
  }

  get backlog(): number {
    return this.#ws.bufferedAmount;
  }

  send(parts: readonly Buffer[]): void {
    // Once closing, `ws` would only count what it is given.
    if (this.#ws.readyState !== OPEN) return;
    const last = parts.length - 1;
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#ws.send(parts[i] as Buffer);
    this.#ws.send(parts[last] as Buffer, this.#onSent);
    // So that the peer need not doubt it.
    if (endsAsClosing(parts[last] as Buffer)) this.#ws.send(NOTHING);
    this.#socket.uncork();
  }

  readonly #onSent = (): void => {
    this.receiver.onDrain();
  };

  close(code: number, reason: string): void {
    // As a stream, so that a letter cut in two is left out.
    const head = new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON), { stream: true });
    this.#ws.close(code, head);
  }

  terminate(): void {
    this.#ws.terminate();
  }
}
