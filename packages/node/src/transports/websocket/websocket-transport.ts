import type { Duplex, Writable } from 'node:stream';
import { deafReceiver, type SlabPool, type SlabReader, type Transport, type TransportReceiver } from 'wsproxy-engine';
import { readIntoSlabs } from '../../internals/read-into-slabs.js';
import { readRest } from '../../internals/read-rest.js';
import { type BegunWebSocket, type LateWebSocket, readPastWs } from '../../internals/undocumented.js';
import { holdsSecret } from '../../secrets/holds-secret.js';
import { listenTo, type SocketListener } from '../../sockets/socket-listener.js';
import { endsAsClosing } from './closing-tail.js';
import { MessageReader, type MessageTaker } from './message-reader.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';

/** RFC 6455 section 5.5: a control frame carries 125 bytes, 2 of them the close code. */
const MAX_REASON = 123;
/** Section 7.1.5: the connection has closed without a close frame. */
const WITHOUT_CLOSE = 1006;
/** `WebSocket.OPEN`. */
const OPEN = 1;
/** A batch that is larger becomes several messages, unless one part is, bytes; well below what peers take. */
const LARGEST_MESSAGE = 131_072;
/** RFC 6455 section 5.2: FIN and opcode 2; the mask bit; which length field follows. */
const BINARY = 0x82;
const MASK = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * An open WebSocket as a transport. `ws` joins a message before it tells of it, and copies
 * for that; so the payload of binary messages goes past it, in both directions, straight between the connection and the
 * session. Everything else (control frames, fragments, closing, anything that is not right) is left to it; at a server's end it is
 * there only once there is any of that.
 */
export class WebSocketTransport implements Transport, MessageTaker, SocketListener {
  receiver: TransportReceiver = deafReceiver;
  /** Called once the connection is closed. */
  onClosed: (() => void) | undefined;

  readonly #source: WebSocketSource;
  readonly #socket: Duplex;
  readonly #end: WebSocketEnd;
  readonly #memory: SlabPool;
  readonly #below: Writable | undefined;
  #ws: WsWebSocket | undefined;
  /** Gives it what it is to read. */
  #toWs: ((bytes: Uint8Array) => void) | undefined;
  /** Undefined where `ws` reads everything. */
  #reader: MessageReader | undefined;
  #slabReader: SlabReader | undefined;
  #error = '';
  /** What `send` was given and the connection has not written yet, with a place for each batch; undefined, not empty. */
  #sending: (readonly Uint8Array[] | undefined)[] | undefined;

  /**
   * `socket`: the connection beneath `source`, or a stream of HTTP/2; `below`: the connection of that, where what is sent waits
   * too. To be called in the turn in which it has opened, before anything is read.
   */
  constructor(source: WebSocketSource, socket: Duplex, end: WebSocketEnd, memory: SlabPool, below?: Writable) {
    this.#source = source;
    this.#socket = socket;
    this.#end = end;
    this.#memory = memory;
    this.#below = below;
    if (below !== undefined) this.#followDrains(below);
    if ('begin' in source) listenTo(socket, this);
    else if ('read' in source) {
      this.#listenToWs(source.ws);
      this.#toWs = (bytes) => source.read(bytes);
      listenTo(socket, this);
    } else {
      this.#listenToWs(source);
      socket.once('close', () => this.#letGo());
      this.#toWs = readPastWs(socket, (bytes) => this.onBytes(bytes));
      // Where that is not possible `ws` tells of every message, not only of those in fragments.
      if (this.#toWs === undefined) return;
    }
    this.#reader = new MessageReader(end.role === 'server' ? AT_SERVER : AT_CLIENT, this);
    this.#slabReader = readIntoSlabs(socket, memory, this.#reader);
  }

  /** It may outlive the stream. */
  #followDrains(below: Writable): void {
    const onDrain = (): void => this.receiver.onDrain();
    below.on('drain', onDrain);
    this.#socket.once('close', () => below.off('drain', onDrain));
  }

  #listenToWs(ws: WsWebSocket): void {
    this.#ws = ws;
    ws.on('message', (data, isBinary) => {
      if (!isBinary) this.receiver.onText();
      // In fragments: the others go past it.
      else if (Buffer.isBuffer(data) && data.length > 0) this.receiver.onBytes(data);
    });
    ws.on('error', (error) => {
      this.#error = error.message;
      if (this.#end.role === 'server') this.#end.onBroken?.(error);
    });
    ws.on('close', (code, reason) => {
      const end = this.#end;
      const words = reason.toString('utf8') || this.#error;
      this.receiver.onClose(code, end.role === 'client' && holdsSecret(words, end.secrets ?? []) ? '' : words);
    });
  }

  /** There is something that `ws` has to see to. */
  #openWs(): WsWebSocket {
    if (this.#ws !== undefined) return this.#ws;
    const { ws, read } = (this.#source as LateWebSocket<WsWebSocket>).begin(this.#socket);
    this.#toWs = read;
    this.#listenToWs(ws);
    return ws;
  }

  onOther(bytes: Buffer): void {
    // Held by a connection that was paused, until it was closed: nobody is left to answer.
    if (this.#ws === undefined && this.#socket.closed) return;
    this.#openWs();
    this.#toWs?.(bytes);
  }

  onBytes(bytes: Uint8Array): void {
    this.#reader?.onBytes(bytes);
  }

  onEnd(): void {
    this.#socket.end();
  }

  /** The socket is closed by it. */
  onError(): void {}

  onClose(): void {
    readRest(this.#socket, (bytes) => this.onBytes(bytes));
    if (this.#ws === undefined) this.receiver.onClose(WITHOUT_CLOSE, '');
    this.#letGo();
  }

  #letGo(): void {
    this.#slabReader?.stop();
    for (const parts of this.#sending ?? []) if (parts !== undefined) this.#release(parts);
    this.#sending = undefined;
    this.onClosed?.();
  }

  get #isOpen(): boolean {
    return this.#ws === undefined ? this.#socket.writable : this.#ws.readyState === OPEN;
  }

  get backlog(): number {
    return this.#socket.writableLength + (this.#below?.writableLength ?? 0);
  }

  send(parts: readonly Uint8Array[], headroom = 0): void {
    if (!this.#isOpen) return;
    this.#socket.cork();
    if (this.#end.role === 'client' && this.#end.masks) this.#sendMasked(parts);
    else this.#sendPlain(parts, headroom);
    this.#socket.uncork();
    const isWritten = this.#socket.writableLength === 0;
    if (!isWritten) for (const part of parts) this.#memory.keep(part);
    this.#sending ??= [];
    this.#sending.push(isWritten ? undefined : parts);
  }

  #sendPlain(parts: readonly Uint8Array[], headroom: number): void {
    const socket = this.#socket;
    const end = parts.length - 1;
    let from = 0;
    let length = 0;
    for (let i = 0; i < end; i++) {
      length += (parts[i] as Uint8Array).length;
      if (length + (parts[i + 1] as Uint8Array).length <= LARGEST_MESSAGE) continue;
      this.#writeMessage(parts, from, i, length, from === 0 ? headroom : 0);
      from = i + 1;
      length = 0;
    }
    this.#writeMessage(
      parts,
      from,
      end,
      length + (parts[end] as Uint8Array).length,
      from === 0 ? headroom : 0,
      (error) => this.#onSent(error),
    );
    // So that the peer need not doubt it; one message could still be the rest of that close frame.
    if (!endsAsClosing(parts[end] as Uint8Array)) return;
    socket.write(this.#header(0));
    socket.write(this.#header(0));
  }

  /** The parts from `from` to `to`, `length` bytes; the header in the same buffer as the first part if there is room. */
  #writeMessage(
    parts: readonly Uint8Array[],
    from: number,
    to: number,
    length: number,
    headroom: number,
    onSent?: (error?: Error | null) => void,
  ): void {
    const socket = this.#socket;
    const header = this.#header(length);
    let first = parts[from] as Uint8Array;
    if (header.length > headroom) socket.write(header);
    else {
      first = Buffer.from(first.buffer, first.byteOffset - header.length, header.length + first.length);
      first.set(header);
    }
    for (let i = from; i <= to; i++) {
      const part = i === from ? first : (parts[i] as Uint8Array);
      if (i === to) socket.write(part, onSent);
      else socket.write(part);
    }
  }

  #header(length: number): Buffer {
    const isServer = this.#end.role === 'server';
    const extended = length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8;
    const header = Buffer.alloc(2 + extended + (isServer ? 0 : 4));
    header[0] = BINARY;
    header[1] = (isServer ? 0 : MASK) | (extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64);
    if (extended > 0) header.writeUIntBE(length, extended === 2 ? 2 : 4, extended === 2 ? 2 : 6);
    return header;
  }

  #sendMasked(parts: readonly Uint8Array[]): void {
    const ws = this.#openWs();
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) ws.send(parts[i] as Uint8Array);
    ws.send(parts[last] as Buffer, (error) => this.#onSent(error));
  }

  #onSent(error?: Error | null): void {
    // What fails is needed until the connection is closed: the system may still read it.
    const sent = error ? undefined : this.#sending?.shift();
    if (this.#sending?.length === 0) this.#sending = undefined;
    if (sent !== undefined) this.#release(sent);
    this.receiver.onDrain();
  }

  #release(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#memory.release(part);
  }

  giveWay(): void {
    this.#reader?.readLess();
    this.#socket.pause();
    setImmediate(goOn, this.#socket);
  }

  close(code: number, reason: string): void {
    // As a stream, so that a letter cut in two is left out.
    const head = new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON), { stream: true });
    if (!this.#socket.destroyed) this.#openWs().close(code, head);
  }

  terminate(): void {
    if (this.#ws === undefined) this.#socket.destroy();
    else this.#ws.terminate();
  }
}

const { maxPayload, maxFragments } = WEBSOCKET_LIMITS;
const AT_SERVER = { isServer: true, maxPayload, maxFragments };
const AT_CLIENT = { isServer: false, maxPayload, maxFragments };

function goOn(socket: Duplex): void {
  socket.resume();
}

/** What `ws` has made of a connection: a WebSocket, one that reads nothing by itself, or what makes such a one later. */
export type WebSocketSource = WsWebSocket | BegunWebSocket<WsWebSocket> | LateWebSocket<WsWebSocket>;

/** What is used of a `WebSocket` of `ws`. Not its own type: anyone who uses this package would need that too. */
export interface WsWebSocket {
  readonly readyState: number;
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  send(data: Uint8Array, done?: (error?: Error | null) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/**
 * At which end it is. A client `masks` what it sends with random keys; without that the keys are zeros, and nothing is copied:
 * right within TLS and on loopback only (PROTOCOL.md, "Security").
 */
export type WebSocketEnd =
  | {
      readonly role: 'server';
      /** The peer breaks RFC 6455; the WebSocket closes by itself. */
      readonly onBroken?: (error: Error) => void;
    }
  | {
      readonly role: 'client';
      readonly masks: boolean;
      /** What the server was sent, and its words must not bring back into logs. */
      readonly secrets?: readonly string[];
    };
