import { EventEmitter } from 'node:events';
import { type AddressInfo, isIPv6 } from 'node:net';
import { type Arrival, type OfferedChannel, type OfferedFlow, TunnelError } from 'wsproxy-engine';
import { type KeepAwakeFor, TunnelSocket } from '../sockets/tunnel-socket.js';
import type { KeepAwake } from '../tunnel/keep-awake.js';
import type { ArrivalTaker } from './arrival-taker.js';
import type { KeptListener } from './kept-listener.js';
import { reasonOf } from './refusal-words.js';

/**
 * As `net.Server`, but it is the server of the tunnel that listens: each connection that comes there is a socket here. When a
 * session ends it listens again in the next one, until `close`.
 */
export class RemoteServer extends EventEmitter<RemoteServerEvents> {
  readonly #options: RemoteServerParts;
  /** Undefined until it was asked for, and once it is over. */
  #listener: KeptListener | undefined;
  #isListening = false;
  #hasListened = false;
  #isReferenced = true;
  #isOver = false;
  #isClosed = false;
  /** Living. */
  #connections = 0;

  constructor(options: RemoteServerParts) {
    super();
    this.#options = options;
    const fail = (error: Error): void => this.#fail(error);
    options.listen(this.#taker, this.#onChange).then((listener) => {
      this.#onChange(listener);
      // It is asked for already, and waits.
      if (!this.#isOver) options.connect().catch(fail);
    }, fail);
  }

  /** Whether the server listens now. */
  get listening(): boolean {
    return this.#isListening;
  }

  /** Where the server listens; a text for a Unix socket or a host name; null while it does not. */
  address(): AddressInfo | string | null {
    const address = this.#isListening ? this.#listener?.address : undefined;
    if (address === undefined) return null;
    const { host, port } = address;
    return port === 0 ? host : { address: host, family: isIPv6(host) ? 'IPv6' : 'IPv4', port };
  }

  /** The server listens no more; the connections there are go on. `close` is told when all of them are over. */
  close(onClose?: () => void): this {
    if (onClose !== undefined) {
      if (this.#isClosed) queueMicrotask(onClose);
      else this.once('close', onClose);
    }
    this.#end();
    return this;
  }

  /** The process lives as long as this listens: the default. */
  ref(): this {
    this.#isReferenced = true;
    if (this.#listener !== undefined) this.#options.awake.hold(this.#listener);
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    if (this.#listener !== undefined) this.#options.awake.release(this.#listener);
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      this.close(resolve);
    });
  }

  readonly #taker: ArrivalTaker = {
    target: 'program',
    takeChannel: (channel, arrival, accept) => this.#take(channel, arrival, accept),
    takeFlow: (flow: OfferedFlow) => flow.refuse('UNSUPPORTED'),
  };

  #take(channel: OfferedChannel, { peer, local }: Arrival, accept: () => void): void {
    accept();
    const { allowHalfOpen, keepAwakeFor: keepAwake } = this.#options;
    const arrived = { channel, peer, local };
    const socket = new TunnelSocket(undefined, { allowHalfOpen, keepAwake, errors: 'system', arrived });
    this.#connections += 1;
    socket.once('close', () => {
      this.#connections -= 1;
      this.#tellClosed();
    });
    this.emit('connection', socket);
  }

  readonly #onChange = (listener: KeptListener): void => {
    if (listener.state === 'closed') return this.#end();
    if (this.#isOver) return listener.close();
    if (this.#listener === undefined) {
      this.#listener = listener;
      if (!this.#isReferenced) this.unref();
    }
    const { state, failure } = listener;
    const wasListening = this.#isListening;
    this.#isListening = state === 'listening';
    if (this.#isListening && !wasListening) {
      this.#hasListened = true;
      this.emit('listening');
    } else if (!this.#hasListened && failure !== undefined) {
      this.#fail(new TunnelError(failure, reasonOf(failure)));
    }
  };

  /** It cannot listen, and did not before. */
  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.emit('error', error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isListening = false;
    this.#listener?.close();
    this.#listener = undefined;
    this.#tellClosed();
  }

  /** Later, as `net.Server`: who closes it listens afterwards. */
  #tellClosed(): void {
    if (!this.#isOver || this.#isClosed || this.#connections > 0) return;
    this.#isClosed = true;
    setImmediate(() => this.emit('close'));
  }
}

export interface RemoteServerEvents {
  /** The server listens: for the first time, or again after it did not. */
  listening: [];
  connection: [socket: TunnelSocket];
  /** The server does not listen, and did not before: it is not asked again. */
  error: [error: Error];
  close: [];
}

export interface RemoteServerParts {
  /** Asks for what `taker` takes, until what comes of it is closed; `onChange`: it stands another way than before. */
  readonly listen: (taker: ArrivalTaker, onChange: (listener: KeptListener) => void) => Promise<KeptListener>;
  /** Resolves when there is a tunnel; rejects when there can be none. */
  readonly connect: () => Promise<void>;
  /** See `SocketOptions`. */
  readonly allowHalfOpen: boolean | undefined;
  readonly keepAwakeFor: KeepAwakeFor;
  readonly awake: KeepAwake;
}
