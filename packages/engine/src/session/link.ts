import type { Clock } from '../clock.js';
import { CloseCode } from '../constants.js';
import { ProtocolError } from '../errors.js';
import type { FrameDecoder, FrameSink } from '../frame/decode.js';
import { deafReceiver, type Transport, type TransportReceiver } from '../transport.js';

/** What a link reports. Nothing comes after `cut`. */
export interface LinkEvents {
  onDrain(): void;
  onLost(code: number, reason: string): void;
  onViolation(error: ProtocolError): void;
}

/**
 * The bond between a session and one of its transports. Cutting it fences the transport off: a WebSocket delivers
 * messages even after it was terminated, and none of them may be counted once another one has taken over.
 */
export class Link implements TransportReceiver {
  readonly transport: Transport;
  /** When bytes last arrived, or the transport last got rid of some, by the clock. */
  lastSign: number;

  readonly #clock: Clock;
  readonly #decoder: FrameDecoder;
  readonly #events: LinkEvents;
  #wasBlocked = false;

  constructor(transport: Transport, decoder: FrameDecoder, sink: FrameSink, clock: Clock, events: LinkEvents) {
    this.transport = transport;
    this.lastSign = clock.now();
    this.#clock = clock;
    this.#decoder = decoder;
    this.#events = events;
    decoder.sink = sink;
    transport.receiver = this;
  }

  cut(): void {
    this.transport.receiver = deafReceiver;
    this.#decoder.sink = undefined;
  }

  onBytes(chunk: Uint8Array): void {
    this.lastSign = this.#clock.now();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#events.onViolation(error);
    }
  }

  onDrain(): void {
    // Only what had to wait tells that the path moves: the kernel takes the first bytes on a dead one too.
    if (this.#wasBlocked) this.lastSign = this.#clock.now();
    this.#wasBlocked = this.transport.backlog > 0;
    this.#events.onDrain();
  }

  onClose(code: number, reason: string): void {
    this.#events.onLost(code, reason);
  }

  onText(): void {
    this.#events.onViolation(new ProtocolError('a text message', CloseCode.textMessage));
  }
}
