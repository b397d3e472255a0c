import {
  type Channel,
  type ChannelSink,
  type FailureCode,
  finishChannel,
  formatTarget,
  systemClock,
  type Timer,
} from 'wsproxy-engine';
import { createBodyReader } from '../../http-message/body.js';
import type { BodyReader } from '../../http-message/body-reader.js';
import { lastChunk, readAsChunk } from '../../http-message/chunked.js';
import { MessageError } from '../../http-message/message-error.js';
import type { RequestHead } from '../../http-message/request-head.js';
import type { ResponseHead } from '../../http-message/response-head.js';
import { resetSocket } from '../../sockets/reset-socket.js';
import { type Unread, unwatch, watchForReset } from '../../sockets/reset-watch.js';
import { closePolitely, cutOff } from '../close-politely.js';
import type { ListenerKind } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { ServedPort } from '../local-service.js';
import type { Destination } from './absolute-form.js';
import { formatRequest, formatSwitch, isUpgrade } from './forwarded-heads.js';
import {
  encodeRefusal,
  type HttpRefusal,
  REFUSALS,
  refusalOf,
  refusalOfContent,
  refusalOfResponse,
} from './http-refusal.js';
import { ResponseWay } from './response-way.js';

/** A plain request that was accepted, and its response; both travel on as they come. */
export class HttpExchange implements ChannelSink, Unread {
  readonly #connection: LocalConnection;
  readonly #isRemote: boolean;
  readonly #request: RequestHead;
  readonly #owner: ExchangeOwner;
  readonly #channel: Channel;
  readonly #log: { readonly target: string };
  /** An earlier exchange has used the channel. */
  readonly #isReused: boolean;
  readonly #content: BodyReader;
  readonly #response: ResponseWay;
  #isFull = false;
  /** Bytes of the channel that the application may not have taken yet. */
  #untaken = 0;
  /** Runs while the request is not complete, though its response is. */
  #patience: Timer | undefined;
  #isOver = false;

  constructor({ port, connection, request, isBound, destination, kept, owner }: ExchangeParts) {
    this.#connection = connection;
    this.#isRemote = port.isRemote;
    this.#request = request;
    this.#owner = owner;
    this.#log = { target: formatTarget(destination.target) };
    this.#isReused = kept !== undefined;
    this.#content = createBodyReader(request.framing, true);
    this.#response = new ResponseWay(connection.socket, request, isBound);
    this.#channel =
      kept ??
      port.tunnel.open(destination.target, {
        kind: 'http' satisfies ListenerKind,
        onOpen: () => connection.logger.debug(this.#log, 'channel open'),
        onFail: (code) => this.#fail(refusalOf(code, this.#isRemote)),
      });
    watchForReset(this);
    this.#send(formatRequest(request, destination));
    this.#channel.start(this);
  }

  get socket(): LocalConnection['socket'] {
    return this.#connection.socket;
  }

  /** There is content to come, and the destination takes no more at present. */
  get isFull(): boolean {
    return this.#isFull && !this.#content.isOver;
  }

  /** Passes on what of `bytes` belongs to the request; returns how many they are. */
  takeContent(bytes: Buffer): number {
    if (this.#isOver || this.#content.isOver) return 0;
    try {
      const used = this.#sendContent(bytes);
      if (this.#content.isOver) this.#endContent();
      return used;
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#fail(refusalOfContent(error));
      return bytes.length;
    }
  }

  /** The application has ended its half; the destination learns it, and decides what it makes of it. */
  endInput(): void {
    if (this.#isOver) return;
    this.#response.endBehind();
    if (this.#content.isOver) this.#channel.end();
    else this.#fail(REFUSALS.CUT);
  }

  /** The application has gone. */
  abandon(): void {
    // By a reset: without one the destination would see an end behind what it has had of the request.
    if (this.#finish()) finishChannel(this.#channel, systemClock, 'CANCELLED');
  }

  /** The application has taken everything. */
  onDrain(): void {
    this.#channel.consumed(this.#untaken);
    this.#untaken = 0;
  }

  onDead(): void {
    this.socket.destroy();
  }

  onData(chunk: Uint8Array): void {
    const { socket } = this;
    this.#untaken += chunk.length;
    socket.cork();
    try {
      const head = this.#response.take(Buffer.from(chunk));
      if (head !== undefined) this.#switchProtocols(head);
      else if (this.#response.isOver) this.#onAnswered();
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#fail(refusalOfResponse(error));
    } finally {
      socket.uncork();
    }
    if (!socket.writableNeedDrain) this.onDrain();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#response.endBehind();
    if (this.#response.end()) this.#end();
    else if (this.#isReused && this.#response.isSilent) this.#hangUp(() => closePolitely(this.socket));
    else this.#fail(REFUSALS.NO_RESPONSE);
  }

  onReset(code: FailureCode): void {
    if (this.#isOver) return;
    // A response that is complete stays so when the destination hangs up on the rest of the request.
    if (this.#response.isOver) this.#end();
    else if (this.#isReused && this.#response.isSilent) this.#hangUp(() => resetSocket(this.socket));
    else this.#fail(refusalOf(code, this.#isRemote));
  }

  onWritable(): void {
    this.#isFull = false;
    this.#owner.onWritable();
  }

  #send(bytes: Uint8Array): void {
    if (!this.#channel.write(bytes)) this.#isFull = true;
  }

  #sendContent(bytes: Buffer): number {
    if (this.#request.framing.kind !== 'chunked') return this.#content.read(bytes, (piece) => this.#send(piece));
    return readAsChunk(this.#content, bytes, (parts) => this.#send(Buffer.concat(parts)));
  }

  #endContent(): void {
    if (this.#request.framing.kind === 'chunked') this.#send(Buffer.from(lastChunk(this.#content.trailers), 'latin1'));
    if (this.#response.isOver) this.#onAnswered();
  }

  /** The application has the response, be there more behind it or not. */
  #onAnswered(): void {
    if (!this.#response.isKept) return this.#end();
    if (!this.#content.isOver) {
      this.#patience ??= systemClock.setTimer(() => this.#end(), CONTENT_PATIENCE);
    } else if (this.#finish()) {
      this.onDrain();
      this.#owner.onKept(this.#channel);
    }
  }

  /** RFC 9110 section 7.8: only what was asked for, and behind the whole request. */
  #switchProtocols(head: ResponseHead): void {
    if (!isUpgrade(this.#request))
      throw new MessageError('malformed', 'it switches protocols, which nobody has asked for');
    if (!this.#content.isOver) throw new MessageError('malformed', 'it switches protocols within the request');
    this.#finish();
    this.socket.write(formatSwitch(head));
    this.socket.write(this.#response.takeRest());
    this.onDrain();
    this.#owner.onSwitched(this.#channel);
  }

  /** Both connections end, and nothing is missing but what the destination does not wait for. */
  #end(): void {
    if (!this.#finish()) return;
    // A destination that does not close its side is not waited for.
    finishChannel(this.#channel, systemClock, this.#content.isOver ? undefined : 'CANCELLED');
    closePolitely(this.socket);
    this.#owner.onClosing();
  }

  /**
   * The destination has closed a connection that was kept, before it had read the request: the application sees what it
   * would see without a proxy, and knows when to ask again (RFC 9112 section 9.3.1).
   */
  #hangUp(close: () => void): void {
    if (!this.#finish()) return;
    this.#connection.logger.debug(this.#log, 'kept connection closed by the destination');
    finishChannel(this.#channel, systemClock, 'CANCELLED');
    close();
    this.#owner.onClosing();
  }

  #fail(refusal: HttpRefusal): void {
    if (!this.#finish()) return;
    this.#connection.logger.info({ ...this.#log, reason: refusal.text }, 'plain request failed');
    finishChannel(this.#channel, systemClock, 'CANCELLED');
    if (this.#response.hasHead) cutOff(this.socket);
    else closePolitely(this.socket, encodeRefusal(refusal, this.#request.method, this.#channel.target));
    this.#owner.onClosing();
  }

  /** False when it was over before. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#patience?.cancel();
    unwatch(this);
    return true;
  }
}

export interface ExchangeParts {
  readonly port: Pick<ServedPort, 'tunnel' | 'isRemote'>;
  readonly connection: LocalConnection;
  readonly request: RequestHead;
  /** The application has authenticated its connection, or does so with this request. */
  readonly isBound: boolean;
  readonly destination: Destination;
  /** The channel of the exchange before, if it leads to the same origin; else there is to be a new one. */
  readonly kept: Channel | undefined;
  readonly owner: ExchangeOwner;
}

/** What becomes of the connection of the application: one of the last three is called, once. */
export interface ExchangeOwner {
  /** `isFull` is over. */
  onWritable(): void;
  /** Both are complete, and both connections may go on. */
  onKept(channel: Channel): void;
  /** From here on both carry another protocol. */
  onSwitched(channel: Channel): void;
  /** The connection of the application is closing, or cut. */
  onClosing(): void;
}

/** How long a request may go on behind its response, ms. */
const CONTENT_PATIENCE = 1_000;
