import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { deafReceiver, type Transport, type TransportReceiver } from './transport.js';

/** RFC 6455 section 5.5: a control frame carries 125 bytes, 2 of them the close code. */
const MAX_REASON = 123;
/** `WebSocket.OPEN`; the class itself is not imported, so that this package depends on nothing. */
const OPEN = 1;

/** The one place that knows `ws`: an open WebSocket as a transport. */
export class WebSocketTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;

  readonly #ws: WebSocket;
  readonly #socket: Socket;
  #error = '';

  /** `socket` is the connection beneath `ws`, so that the parts of a batch can leave in one write. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
    ws.binaryType = 'nodebuffer';
    ws.on('message', (data, isBinary) => {
      if (!isBinary) this.receiver.onText();
      else if (Buffer.isBuffer(data)) this.receiver.onBytes(data);
    });
    ws.on('error', (error) => {
      this.#error = error.message;
    });
    ws.on('close', (code, reason) => {
      this.receiver.onClose(code, reason.toString('utf8') || this.#error);
    });
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
