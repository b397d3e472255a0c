/**
 * What Node and `ws` do not describe, and this program uses all the same. Nothing else in the repository touches their
 * private parts. Each function names the versions on which its probe has passed (test/internals/undocumented.test.ts), and
 * what becomes of its callers where a version has taken it away: they go on, and only lose what it was for.
 */
import { readSync, writeSync } from 'node:fs';
import { type Agent, type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { readRest } from './read-rest.js';

// ---- sockets

/** Memory that a socket reads into, in place of what Node allocates for each read. */
export interface ReadMemory {
  /** Where the next read goes. */
  readonly next: Uint8Array;
  /** `length` bytes have come into `buffer`, which is read into again afterwards. */
  onRead(length: number, buffer: Uint8Array): void;
}

/**
 * Has a socket read into `memory`. What it holds already still comes as 'data'; ends, errors, `pause` and `resume` are as
 * ever. Node offers this as `onread`, to those who connect alone: a socket that was accepted can do the same, but nobody
 * asks it. So it is set here as `net.connect` sets it.
 *
 * Node 20.19 to 26: `kBuffer`, `kBufferCb` and `kBufferGen` of a socket, `useUserBuffer` of its handle.
 * Without: false, nothing has changed, and all comes as 'data'.
 */
export function readInto(socket: Duplex, memory: ReadMemory): boolean {
  const places = placesOf(socket);
  if (places === undefined || typeof handleOf(socket)?.useUserBuffer !== 'function') return false;
  // One by one: V8 remembers the way of each, but not that of `Object.assign`.
  const fields = socket as unknown as Record<symbol, unknown>;
  fields[MEMORY] = memory;
  fields[places.callback] = onRead;
  fields[places.generator] = takeNext;
  readNextInto(socket, memory.next);
  return true;
}

const MEMORY = Symbol('memory');
/** Where the next read goes of the socket that was read last. */
let next: Uint8Array | undefined;

/** Both are one for all sockets, since ten thousand may be idle. Node calls the second one right behind the first. */
function onRead(this: { [MEMORY]: ReadMemory }, length: number, buffer: Uint8Array): void {
  this[MEMORY].onRead(length, buffer);
  next = this[MEMORY].next;
}

function takeNext(): Uint8Array | undefined {
  return next;
}

/** Has a socket for which `readInto` was true read elsewhere from now on, though nothing was read since it was asked. */
export function readNextInto(socket: Duplex, buffer: Uint8Array): void {
  const places = placesOf(socket);
  if (places !== undefined) (socket as unknown as Record<symbol, unknown>)[places.buffer] = buffer;
  handleOf(socket)?.useUserBuffer?.(buffer);
}

/** What a socket keeps for `onread`, and where. */
interface Places {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

let lastPlaces: Places | undefined;

function placesOf(socket: Duplex): Places | undefined {
  if (lastPlaces === undefined || !(lastPlaces.buffer in socket)) lastPlaces = findPlaces(socket);
  return lastPlaces;
}

function findPlaces(socket: Duplex): Places | undefined {
  const found = new Map(Object.getOwnPropertySymbols(socket).map((symbol) => [symbol.description, symbol]));
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => found.get(name));
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}

/**
 * Reads one byte past Node, which is lost: how many there were, 0 at the end, or the error of the system, which is EAGAIN
 * when nothing has come. Of TLS that is the TCP connection below.
 *
 * Node 20.19 to 26, not on Windows: `fd` of a handle, whose socket does not block.
 * Without: undefined.
 */
export function readByte(socket: Socket): number | string | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  try {
    return readSync(fd, Buffer.alloc(1));
  } catch (error) {
    return codeOf(error);
  }
}

/**
 * Writes nothing past Node: 0, or the error that the system has noted for the socket, which forgets it. As for `readByte`.
 */
export function writeNothing(socket: Socket): number | string | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  try {
    return writeSync(fd, NOTHING);
  } catch (error) {
    return codeOf(error);
  }
}

const NOTHING = Buffer.alloc(0);

/**
 * The descriptor of a socket, while it has one.
 *
 * Node 20.19 to 26, not on Windows: `fd` of a handle.
 * Without: undefined.
 */
export function descriptorOf(socket: Socket): number | undefined {
  const fd = handleOf(socket)?.fd ?? -1;
  return fd < 0 ? undefined : fd;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/**
 * Whether a stream is about to be destroyed because a write of its own has failed; Node then forgets that it has, and
 * reads and writes go on. To be asked in the `destroy` that Node calls with `error`.
 *
 * Node 20.19 to 26: `errored` of `_readableState` and `_writableState`. Node notes a failed write in them, and no other
 * failure, before it destroys the stream.
 * Without: false, the stream is destroyed, and what it has not read is lost.
 */
export function forgetFailedWrite(stream: Duplex, error: Error | null | undefined): boolean {
  if (error == null || stream.errored !== error) return false;
  const { reads, writes } = halvesOf(stream);
  if (reads === undefined || writes === undefined) return false;
  reads.errored = null;
  writes.errored = null;
  return stream.errored === null;
}

/**
 * The end that came in while a failure was noted: Node has told nobody of it, and does now.
 *
 * Node 20.19 to 26: `ended` of `_readableState`.
 * Without: nothing; the end comes with the next read.
 */
export function tellEndThatCame(stream: Duplex): void {
  if (halvesOf(stream).reads?.ended === true) stream.read(0);
}

/** What Node notes of a half of a stream. */
interface StreamState {
  errored: Error | null;
  readonly ended?: boolean;
}

function halvesOf(stream: Duplex): { reads: StreamState | undefined; writes: StreamState | undefined } {
  const { _readableState: reads, _writableState: writes } = stream as unknown as Record<
    string,
    StreamState | undefined
  >;
  return { reads, writes };
}

// ---- TLS

/**
 * The socket that TLS was put on: what a server has accepted, or a client was given.
 *
 * Node 20.19 to 26: `_parent` of a `TLSSocket`. `net` itself walks along it to keep time-outs alive.
 * Without: undefined, as where there is none.
 */
export function socketBelow(socket: Socket | TLSSocket): Socket | undefined {
  const { _parent: below } = socket as { _parent?: unknown };
  return below instanceof Socket ? below : undefined;
}

/**
 * Has the TCP connection below TLS closed by a reset, once TLS is destroyed: TLS has no reset, and Node none for it; it
 * would end TCP, which many take for the end of all.
 *
 * Node 20.19 to 26: `_parent` of the handle, with its `reset` and `close`.
 * Without: TCP ends.
 */
export function resetOnceDestroyed(socket: TLSSocket): void {
  const below = handleOf(socket)?._parent;
  if (typeof below?.reset !== 'function' || typeof below.close !== 'function') return;
  const { close } = below;
  // While it is being shut down it cannot be reset, and only closed.
  below.close = (onClose) => {
    if (below.reset?.(onClose) !== 0) close.call(below, onClose);
  };
}

/**
 * The number of the alert (RFC 8446 section 6.2) by which the peer has ended TLS; undefined for any other failure.
 *
 * Node 20.19 to 26, with OpenSSL 3: the text of the error. Its code names some of them alone.
 * Without: undefined, and the failure is told in OpenSSL's words.
 */
export function tlsAlertOf({ message }: Error): number | undefined {
  const number = /SSL alert number (\d+)/.exec(message)?.[1];
  return number === undefined ? undefined : Number(number);
}

// ---- HTTP

/**
 * A response to a request to upgrade, for which Node makes none; the connection ends behind it.
 *
 * Node 20.19 to 26: `assignSocket` of a response.
 * Without: undefined; such a request is answered by bytes alone.
 */
export function respondTo(request: IncomingMessage): ServerResponse | undefined {
  const { socket } = request;
  const response = new ServerResponse(request);
  if (typeof (response as Partial<ServerResponse>).assignSocket !== 'function') return undefined;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

/**
 * Has a response go on that waits for its connection, which Node has let go of since another request came behind.
 *
 * Node 20.19 to 26: a response is told by 'drain' when its socket has room.
 * Without: a response that is too large for the system to take at once is cut off, when its time is over.
 */
export function keepDraining(response: ServerResponse | undefined, connection: Duplex): void {
  connection.on('drain', () => response?.emit('drain'));
}

/**
 * Takes what the connection of a request brings from now on away from Node's server, which is in the middle of its body, and gives it to
 * `onBytes`. To be called between two reads, once all that has come of the body was read. The request is told of the end of the
 * connection as ever.
 *
 * Node 20.19 to 26: a server has one listener for 'data' of a connection, and its parser reads the connection by itself only
 * until there is another one.
 * Without: false, nothing has changed, and all of the body comes by the request.
 */
export function readPastServer(request: IncomingMessage, onBytes: (bytes: Buffer) => void): boolean {
  const { socket } = request;
  const { parser } = socket as { parser?: { incoming?: unknown } | null };
  const [listener, ...others] = socket.listeners('data') as ((bytes: Buffer) => void)[];
  if (parser?.incoming !== request || listener === undefined || others.length > 0) return false;
  if (socket.destroyed || request.complete || request.readableLength > 0) return false;
  socket.on('data', onBytes);
  socket.off('data', listener);
  return true;
}

/**
 * Has an agent get the options of each request as `change` makes them.
 *
 * Node 20.19 to 26, agent-base 9: `addRequest`, which `http.request` calls of every agent.
 * Without: false, and the agent gets them as they were.
 */
export function changeRequests<T extends object>(agent: Agent, change: (options: T) => T): boolean {
  const { addRequest } = agent as Agent & { addRequest?: (request: ClientRequest, options: T) => void };
  if (typeof addRequest !== 'function') return false;
  Object.assign(agent, {
    addRequest: (request: ClientRequest, options: T) => addRequest.call(agent, request, change(options)),
  });
  return true;
}

// ---- ws

/**
 * Takes what the connection of an open WebSocket brings away from `ws`, and gives it to `onBytes`; returns how to give `ws`
 * what it is to read. To be called in the turn in which it has opened, before anything is read.
 *
 * ws 8.23: it has one listener for 'data' of the connection, which may be called at any time, and one for 'close',
 * which would take what a paused connection still holds for the beginning of a frame.
 * Without: undefined, nothing has changed, and `ws` reads everything.
 */
export function readPastWs(
  socket: Duplex,
  onBytes: (bytes: Uint8Array) => void,
): ((bytes: Uint8Array) => void) | undefined {
  const [listener, ...others] = socket.listeners('data') as ((bytes: Uint8Array) => void)[];
  if (listener === undefined || others.length > 0) return undefined;
  socket.on('data', onBytes);
  socket.off('data', listener);
  socket.prependListener('close', () => readRest(socket, onBytes));
  return (bytes) => listener.call(socket, bytes);
}

/**
 * What a `WebSocketServer` is to make of a connection that it has upgraded, in place of a WebSocket, whose receiver and sender
 * cost more memory than all the rest of an idle connection: a `LateWebSocket`, by which one is made once it is needed. Goes
 * into its options.
 *
 * ws 8.23: a server calls `setSocket` of what its option `WebSocket` makes, as it would of a WebSocket, which sets its
 * listeners on the socket then.
 * Without: undefined, and what the server makes are WebSockets.
 */
export function lateWebSocket<C extends new (address: null) => object>(WebSocket: C): C | undefined {
  if (typeof (WebSocket.prototype as Partial<SocketTaker>).setSocket !== 'function') return undefined;
  const Whole = WebSocket as unknown as new (...options: [null, undefined, object]) => InstanceType<C> & SocketTaker;
  class Late implements LateWebSocket<InstanceType<C>> {
    readonly #options: object;

    constructor(_address: null, _protocols: undefined, options: object) {
      this.#options = options;
    }

    setSocket(socket: Socket, head: Buffer): void {
      socket.setTimeout(0).setNoDelay();
      if (head.length > 0) socket.unshift(head);
    }

    begin(socket: Duplex): BegunWebSocket<InstanceType<C>> {
      const ws = new Whole(null, undefined, this.#options);
      ws.setSocket(socket, NOTHING, this.#options);
      const listener = socket.listeners('data').at(-1) as (bytes: Uint8Array) => void;
      socket.off('data', listener);
      return { ws, read: (bytes) => listener.call(socket, bytes) };
    }
  }
  // As far as its server is concerned it is one.
  return Late as unknown as C;
}

interface SocketTaker {
  setSocket(socket: Duplex, head: Buffer, options: object): void;
}

/** A WebSocket that is open, though nothing was made of it. */
export interface LateWebSocket<W> {
  /** Makes it on its socket, of which it reads nothing by itself; once, and before that is closed. */
  begin(socket: Duplex): BegunWebSocket<W>;
}

export interface BegunWebSocket<W> {
  readonly ws: W;
  /** Gives it what it is to read. */
  read(bytes: Uint8Array): void;
}

/**
 * Whether `ws` has found an answer of 101 that breaks RFC 6455, of which it says so in words alone.
 *
 * ws 8.23: its messages.
 * Without: false, and the failure counts as one that may pass.
 */
export function isBrokenUpgrade(error: NodeJS.ErrnoException): boolean {
  return error.code === undefined && /Sec-WebSocket|subprotocol|Upgrade header/.test(error.message);
}

// ---- standard error

/**
 * Has a stream of the process never block: Node makes terminals block, and one that is stopped (Ctrl-S, a hanging ssh)
 * would stop everything with it.
 *
 * Node 20.19 to 26: `setBlocking` of its handle.
 * Without: a stopped terminal stops the process.
 */
export function unblock(stream: object): void {
  handleOf(stream)?.setBlocking?.(false);
}

/** What a stream of the system keeps of it. */
interface SystemHandle {
  readonly fd?: number;
  readonly _parent?: { reset?(onClose: unknown): number; close?(onClose: unknown): void };
  useUserBuffer?(buffer: Uint8Array): void;
  setBlocking?(on: boolean): void;
}

function handleOf(stream: object): SystemHandle | undefined {
  return (stream as { _handle?: SystemHandle | null })._handle ?? undefined;
}
