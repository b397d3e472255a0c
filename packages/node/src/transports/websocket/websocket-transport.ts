import type { Socket } from 'node:net';
import { deafReceiver, type SlabPool, type Transport, type TransportReceiver } from 'wsproxy-engine';
import { readIntoSlabs } from '../../internals/read-into-slabs.js';
import { readPastWs } from '../../internals/undocumented.js';
import { holdsSecret } from '../../secrets/holds-secret.js';
import { endsAsClosing } from './closing-tail.js';
import { MessageReader } from './message-reader.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';

/** RFC 6455 section 5.5: a control frame carries 125 bytes, 2 of them the close code. */
const MAX_REASON = 123;
/** `WebSocket.OPEN`. */
const OPEN = 1;
/** A batch that is larger becomes several messages, bytes; well below what peers take. */
const LARGEST_MESSAGE = 131_072;
/** RFC 6455 section 5.2: FIN and opcode 2; the mask bit; which length field follows. */
const BINARY = 0x82;
const MASK = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * An open WebSocket as a transport. `ws` joins a message before it tells of it, and copies
 * for that; so the payload of binary messages goes past it, in both directions, straight between the connection and the
 * session. Everything else (control frames, fragments, closing, whatever is not right) is left to it.
 */
export class WebSocketTransport implements Transport {
  receiver: TransportReceiver = deafReceiver;

  readonly #ws: WsWebSocket;
  readonly #socket: Socket;
  readonly #isServer: boolean;
  readonly #mask: boolean;
  readonly #memory: SlabPool;
  #error = '';
  /** What `send` was given and the connection has not written yet, with a place for each batch. */
  readonly #sending: (readonly Uint8Array[] | undefined)[] = [];

  /** `socket`: the connection beneath `ws`. To be called in the turn in which `ws` has opened, before anything is read. */
  constructor(ws: WsWebSocket, socket: Socket, end: WebSocketEnd, memory: SlabPool) {
    this.#memory = memory;
    this.#ws = ws;
    this.#socket = socket;
    this.#isServer = end.role === 'server';
    this.#mask = end.role === 'client' && end.masks;
    ws.on('message', (data, isBinary) => {
      if (!isBinary) this.receiver.onText();
      // In fragments: the others go past it.
      else if (Buffer.isBuffer(data) && data.length > 0) this.receiver.onBytes(data);
    });
    ws.on('error', (error) => {
      this.#error = error.message;
    });
    ws.on('close', (code, reason) => {
      const words = reason.toString('utf8') || this.#error;
      this.receiver.onClose(code, end.role === 'client' && holdsSecret(words, end.secrets ?? []) ? '' : words);
    });
    socket.once('close', () => {
      for (const parts of this.#sending.splice(0)) if (parts !== undefined) this.#release(parts);
    });
    this.#readPast(socket);
  }

  /** Where that is not possible `ws` tells of every message, not only of those in fragments. */
  #readPast(socket: Socket): void {
    const toWs = readPastWs(socket, (bytes) => reader.onBytes(bytes));
    if (toWs === undefined) return;
    const { maxPayload, maxFragments } = WEBSOCKET_LIMITS;
    const reader = new MessageReader({ isServer: this.#isServer, maxPayload, maxFragments }, this, toWs);
    const slabReader = readIntoSlabs(socket, this.#memory, reader);
    socket.once('close', () => slabReader?.stop());
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(parts: readonly Uint8Array[], headroom = 0): void {
    if (this.#ws.readyState !== OPEN) return;
    this.#socket.cork();
    if (this.#mask) this.#sendMasked(parts);
    else this.#sendPlain(parts, headroom);
    this.#socket.uncork();
    const isWritten = this.#socket.writableLength === 0;
    if (!isWritten) for (const part of parts) this.#memory.keep(part);
    this.#sending.push(isWritten ? undefined : parts);
  }

  #sendPlain(parts: readonly Uint8Array[], headroom: number): void {
    const socket = this.#socket;
    const end = parts.length - 1;
    let from = 0;
    let length = 0;
    for (let i = 0; i < end; i++) {
      length += (parts[i] as Uint8Array).length;
      if (length < LARGEST_MESSAGE) continue;
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
      this.#onSent,
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
    onSent?: () => void,
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
    const extended = length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8;
    const header = Buffer.alloc(2 + extended + (this.#isServer ? 0 : 4));
    header[0] = BINARY;
    header[1] = (this.#isServer ? 0 : MASK) | (extended === 0 ? length : extended === 2 ? LENGTH_16 : LENGTH_64);
    if (extended > 0) header.writeUIntBE(length, extended === 2 ? 2 : 4, extended === 2 ? 2 : 6);
    return header;
  }

  #sendMasked(parts: readonly Uint8Array[]): void {
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) this.#ws.send(parts[i] as Uint8Array);
    this.#ws.send(parts[last] as Buffer, this.#onSent);
  }

  readonly #onSent = (error?: Error | null): void => {
    // What fails is needed until the connection is closed: the system may still read it.
    const sent = error ? undefined : this.#sending.shift();
    if (sent !== undefined) this.#release(sent);
    this.receiver.onDrain();
  };

  #release(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#memory.release(part);
  }

  giveWay(): void {
    this.#socket.pause();
    setImmediate(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#socket.resume();
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

/** What is used of a `WebSocket` of `ws`. Not its own type: whoever uses this package would need that too. */
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
  | { readonly role: 'server' }
  | {
      readonly role: 'client';
      readonly masks: boolean;
      /** What the server was sent, and its words must not bring back into logs. */
      readonly secrets?: readonly string[];
    };
