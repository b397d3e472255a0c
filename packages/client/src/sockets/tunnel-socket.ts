import { isIP } from 'node:net';
import {
  type Channel,
  FAILURES,
  type FailureCode,
  formatTarget,
  type Peer,
  type Target,
  type Tunnel,
  TunnelError,
} from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import { type ConnectTo, connectTarget, type Listener } from './connect-arguments.js';
import { IdleTimer } from './idle-timer.js';
import { systemError } from './system-error.js';

/** A channel with those parts of `net.Socket` that HTTP and database clients use without asking. */
export class TunnelSocket extends ChannelStream {
  /** Where the server has accepted a connection that has come in. From which port it has dialled another is not known here. */
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly localFamily?: string;
  /** Which addresses a server has tried is not known here. */
  readonly autoSelectFamilyAttemptedAddresses: string[] = [];
  /** As of `net.Socket`: ms; undefined until it was set, and 0 for never. */
  timeout?: number;

  readonly #tunnel: Tunnel | undefined;
  readonly #ends: Ends | undefined;
  readonly #isSystems: boolean;
  readonly #timer: IdleTimer;
  readonly #keepAwake: KeepAwakeFor | undefined;
  readonly #whyDown: WhyDown | undefined;
  #isReferenced = true;
  /** From `connect` on. */
  #channel: Channel | undefined;
  #connecting = false;
  /** It was connected in this turn. */
  #isFresh = false;
  #bytesRead = 0;

  /** `tunnel`: for `connect`; one that has `arrived` is connected. */
  constructor(tunnel: Tunnel | undefined, options: TunnelSocketOptions = {}) {
    const { allowHalfOpen, keepAwake, whyDown, errors = 'tunnel', arrived } = options;
    // Emitted here, since it says whether there was an error.
    super(undefined, { allowHalfOpen, emitClose: false });
    this.#tunnel = tunnel;
    this.#isSystems = errors === 'system';
    this.#keepAwake = keepAwake;
    this.#whyDown = whyDown;
    if (!this.allowHalfOpen) this.once('end', () => this.#refuseWrites());
    this.#timer = new IdleTimer(
      () => this.#channel?.figures.bytesSent ?? 0,
      () => this.emit('timeout'),
    );
    this.#ends = arrived;
    if (arrived === undefined) return;
    this.#channel = arrived.channel;
    const local = arrived.local && placeOf(arrived.local);
    if (local?.address !== undefined && local.family !== undefined) {
      this.localAddress = local.address;
      this.localPort = local.port;
      this.localFamily = local.family;
    }
    this.attach(arrived.channel);
  }

  /**
   * As of `net.Socket`, once: emits `connect` and `ready` when the server has reached the destination.
   * @throws TypeError when the arguments name no host and port
   */
  connect(to: ConnectTo, host?: string | Listener, listener?: Listener): this {
    const target = connectTarget(to, host);
    if (this.#tunnel === undefined || this.#channel !== undefined || this.destroyed) {
      throw Object.assign(new Error('this socket has been connected: make another one'), { code: 'EISCONN' });
    }
    const onConnect = typeof host === 'function' ? host : listener;
    if (onConnect !== undefined) this.once('connect', onConnect);
    this.#connecting = true;
    this.#timer.refresh();
    const channel: Channel = this.#tunnel.open(target, {
      onOpen: () => this.#onOpen(channel),
      onFail: (code) => this.destroy(this.#failure(code, target)),
    });
    this.#channel = channel;
    if (!this.#isReferenced) this.#keepAwake?.(channel, false);
    return this;
  }

  get connecting(): boolean {
    return this.#connecting;
  }

  /** As of `net.Socket`. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.#connecting) return 'opening';
    const [canRead, canWrite] = [this.readable, this.writable];
    if (canRead && canWrite) return 'open';
    if (canRead) return 'readOnly';
    return canWrite ? 'writeOnly' : 'closed';
  }

  /** As of `net.Socket`: whether it is not connected yet, or no more. */
  get pending(): boolean {
    return !this.#isConnected;
  }

  /** As of `net.Socket`, which has it still. */
  get bufferSize(): number {
    return this.writableLength;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /**
   * The destination as it was asked for: an address only if that was one, since the server resolves names. Of a connection
   * that has come in: who has made it, as the server says.
   */
  get remoteAddress(): string | undefined {
    return this.#remote?.address;
  }

  get remotePort(): number | undefined {
    return this.#remote?.port;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#remote?.family;
  }

  get #isConnected(): boolean {
    return !this.#connecting && !this.destroyed && this.#channel !== undefined;
  }

  get #remote(): Place | undefined {
    const end = this.#ends === undefined ? this.#channel?.target : this.#ends.peer;
    return this.#isConnected && end !== undefined ? placeOf(end) : undefined;
  }

  /** As of `net.Socket`: empty where it is not known. */
  address(): Place | Record<string, never> {
    const local = this.#ends?.local;
    return local === undefined ? {} : placeOf(local);
  }

  /** Emits `timeout` when nothing has moved for `time` ms, and leaves it to the listener; 0: never. */
  setTimeout(time: number, listener?: () => void): this {
    if (this.destroyed) return this;
    this.#timer.set(time);
    this.timeout = time;
    if (listener === undefined) return this;
    return time === 0 ? this.off('timeout', listener) : this.once('timeout', listener);
  }

  /** Nothing waits to be joined: what is written leaves at once. */
  setNoDelay(): this {
    return this;
  }

  /** The tunnel has a heartbeat of its own. */
  setKeepAlive(): this {
    return this;
  }

  /** The process lives as long as this socket does: the default. */
  ref(): this {
    return this.#refer(true);
  }

  unref(): this {
    return this.#refer(false);
  }

  /** Ends what is written, and is destroyed when it has gone. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** The destination sees a reset, and what was not sent yet is lost. */
  resetAndDestroy(): this {
    if (!this.destroyed) this.#channel?.reset('CONNECTION_RESET');
    return this.destroy();
  }

  override destroy(error?: Error | null): this {
    const isOurs = this.#isSystems && error instanceof TunnelError;
    const wanted = this.#connecting ? this.#channel?.target : undefined;
    return super.destroy((isOurs ? systemError(error, wanted) : error) ?? undefined);
  }

  override push(chunk: Buffer | null): boolean {
    this.#timer.refresh();
    if (chunk !== null) this.#bytesRead += chunk.length;
    return super.push(chunk);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Callback): void {
    this.#timer.refresh();
    this.#whenConnected(done, () => super._write(chunk, encoding, done));
  }

  override _final(done: Callback): void {
    if (this.#channel === undefined) done();
    else this.#whenConnected(done, () => super._final(done));
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#timer.stop();
    // What was written is still to be delivered.
    if (this.#channel !== undefined) this.#keepAwake?.(this.#channel, true);
    if (this.#connecting) this.#channel?.reset('CANCELLED');
    this.#connecting = false;
    // Anyone who awaits `connect` listens once this turn is over, and what comes may bring the opening and a reset at once. That
    // somebody listens does not tell that they do: an AbortSignal does as well.
    const isLate = error !== null && (this.#isFresh || this.listenerCount('error') === 0);
    super._destroy(error, isLate ? (late) => void setImmediate(done, late) : done);
    // As `net.Socket`, which has nothing to tell of what was never connected.
    const told = this.#channel === undefined ? [] : [error !== null];
    setImmediate(() => this.emit('close', ...told));
  }

  #onOpen(channel: Channel): void {
    this.#connecting = false;
    this.#isFresh = true;
    setImmediate(() => (this.#isFresh = false));
    this.#timer.refresh();
    this.attach(channel);
    this.emit('connect');
    this.emit('ready');
  }

  /** As of `net.Socket`, in the order of its listeners: what was written while it connects goes when it is connected. */
  #whenConnected(done: Callback, go: () => void): void {
    if (!this.#connecting) return this.#channel === undefined ? done(closed('ERR_SOCKET_CLOSED')) : go();
    const onClose = (): void => done(closed('ERR_SOCKET_CLOSED_BEFORE_CONNECTION'));
    this.once('close', onClose).once('connect', () => {
      this.off('close', onClose);
      go();
    });
  }

  #failure(code: FailureCode, target: Target): TunnelError {
    const cause = code === 'TUNNEL_DOWN' || code === 'CANCELLED' ? this.#whyDown?.() : undefined;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    return new TunnelError(code, `${formatTarget(target)}: ${FAILURES[code].text}${why}`, cause && { cause });
  }

  #refer(isReferenced: boolean): this {
    if (this.destroyed) return this;
    this.#isReferenced = isReferenced;
    if (this.#channel !== undefined) this.#keepAwake?.(this.#channel, isReferenced);
    return this;
  }

  /** As of `net.Socket`: Node has ended the own half, but who writes is told who had begun. */
  #refuseWrites(): void {
    this.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
      if (!this.writableEnded) return super.write(chunk, encoding as BufferEncoding, callback as Callback);
      const error = Object.assign(new Error('the destination has ended the connection'), { code: 'EPIPE' });
      const done = typeof encoding === 'function' ? encoding : callback;
      queueMicrotask(() => {
        if (typeof done === 'function') done(error);
        this.destroy(error);
      });
      return false;
    };
  }
}

type Callback = (error?: Error | null) => void;

/** As Node tells one end of a connection. */
interface Place {
  /** Undefined of a name. */
  readonly address: string | undefined;
  readonly family: 'IPv4' | 'IPv6' | undefined;
  readonly port: number;
}

function placeOf({ host, port }: Peer): Place {
  const family = isIP(host);
  return family === 0
    ? { address: undefined, family: undefined, port }
    : { address: host, family: `IPv${family as 4 | 6}`, port };
}

function closed(code: string): Error {
  return Object.assign(new Error('the socket is not connected'), { code });
}

export interface SocketOptions {
  /** As of `net.Socket`, default false: the own half ends when the destination has ended its half. */
  readonly allowHalfOpen?: boolean | undefined;
}

export interface TunnelSocketOptions extends SocketOptions {
  readonly keepAwake?: KeepAwakeFor | undefined;
  readonly whyDown?: WhyDown | undefined;
  /** A connection that has come to a remote listener, and was accepted. */
  readonly arrived?: (Ends & { readonly channel: Channel }) | undefined;
  /** What it fails with: `TunnelError`, the default, or as a socket of the system would, with the former as its cause. */
  readonly errors?: 'tunnel' | 'system';
}

/** Of a connection that has come in, as the server tells them; undefined where there are no addresses. */
export interface Ends {
  readonly peer: Peer | undefined;
  readonly local: Peer | undefined;
}

/** Says of a channel whether the process is to live for it. */
export type KeepAwakeFor = (channel: Channel, isReferenced: boolean) => void;

/** Why there is no way to the server, if something was in the way of the last try. */
export type WhyDown = () => Error | undefined;
