import { CloseCode } from '../constants.js';
import { ProtocolError } from '../errors.js';
import { FrameDecoder, type FrameSink } from '../frame/decode.js';
import { deafReceiver, type Transport, type TransportReceiver } from '../transport.js';
import type { Loss } from './session-options.js';

/**
 * A transport, and what cuts the bytes that it brings into frames. Anyone who reads the greeting has it first, then a session,
 * to which what was read ahead goes as well. Cutting it fences the transport off: a WebSocket delivers messages even after it
 * was terminated, and none of them may be counted once another one has taken over.
 */
export class Link implements TransportReceiver {
  readonly transport: Transport;
  /** Bytes of its stream that were processed. */
  received = 0;
  readonly #decoder: FrameDecoder;
  #holder: LinkHolder | undefined;
  /** Small frames that were read of late. */
  #small = 0;

  constructor(transport: Transport, holder?: LinkHolder) {
    this.transport = transport;
    this.#holder = holder;
    this.#decoder = new FrameDecoder(holder);
    transport.receiver = this;
  }

  /** The next frame is for `holder`, and all that comes after it; also in the midst of a chunk. */
  handTo(holder: LinkHolder): void {
    this.#holder = holder;
    this.#decoder.sink = holder;
  }

  /** Nothing comes any more. */
  cut(): void {
    this.transport.receiver = deafReceiver;
    this.#decoder.sink = undefined;
  }

  onBytes(chunk: Uint8Array): void {
    const { frames } = this.#decoder;
    this.#holder?.onArrival();
    try {
      this.#decoder.push(chunk);
      this.received += chunk.length;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#holder?.onViolation(error);
    }
    this.#small = Math.max(0, this.#small + this.#decoder.frames - frames - Math.floor(chunk.length / SMALL));
    if (this.#small >= MANY) this.#giveWay();
  }

  /** What comes in small frames costs by the frame, and a read of them takes long: others have their turn in between. */
  #giveWay(): void {
    this.#small = 0;
    this.transport.giveWay?.();
  }

  onDrain(): void {
    this.#holder?.onDrain(this.transport.backlog);
  }

  onClose(code: number, reason: string): void {
    this.#holder?.onLost({ code, reason });
  }

  onText(): void {
    this.#holder?.onViolation(new ProtocolError('a text message', CloseCode.textMessage));
  }
}

/** Takes what a link brings. */
export interface LinkHolder extends FrameSink {
  /** Bytes have arrived: the frames that they complete come now. */
  onArrival(): void;
  /** The transport has taken some of what was sent, and holds `backlog` bytes. */
  onDrain(backlog: number): void;
  /** The transport is closed. */
  onLost(loss: Loss): void;
  /** The peer broke the protocol. */
  onViolation(error: ProtocolError): void;
}

/** A frame of fewer bytes is small, and so many of them in a row, with no more than these in large ones, are many. */
const SMALL = 64;
const MANY = 1_000;
