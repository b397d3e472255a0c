import { randomBytes } from 'node:crypto';
import {
  type Channel,
  type Clock,
  CloseCode,
  Greeter,
  type Logger,
  type Loss,
  type OpenHandler,
  Session,
  type Target,
  type Timer,
  type Transport,
} from 'wsproxy-protocol';
import { retryDelay } from './backoff.js';
import { ConnectError } from './connect-error.js';
import type { Tunnel } from './listeners/tunnel.js';

/** `connecting` covers the first attempt and every later one; `waiting` the pause between two. */
export type ConnectorState = 'idle' | 'connecting' | 'online' | 'waiting' | 'closed';

export interface ConnectorOptions {
  /** Opens a transport; rejects with ConnectError. */
  readonly dial: (signal: AbortSignal) => Promise<Transport>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the channels wait for the way back, ms. */
  readonly grace: number;
  readonly random?: () => number;
  readonly onState?: (state: ConnectorState, previous: ConnectorState) => void;
}

/** A new request waits this long for a tunnel that is down, ms. */
const PATIENCE = 5_000;
/** HELLO or RESUME must be answered within this time, ms. */
const WELCOME_TIMEOUT = 5_000;
/** A connection that lived this long counts as good: the next loss is retried at once, ms. */
const GOOD_LIFE = 5_000;
/** Close codes after which the server does not know the session any more. */
const FORGOTTEN: ReadonlySet<number> = new Set([CloseCode.sessionUnknown, CloseCode.sessionExpired]);
/** Those, and the ones after which it wants no more of it. */
const SESSION_ENDING: ReadonlySet<number> = new Set([
  ...FORGOTTEN,
  CloseCode.superseded,
  CloseCode.protocolError,
  CloseCode.unsupportedVersion,
  CloseCode.textMessage,
]);

/** Keeps the tunnel up: dials, greets, resumes, and begins a new session when the old one is lost. */
export class Connector implements Tunnel {
  readonly #options: ConnectorOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #state: ConnectorState = 'idle';
  #session: Session;
  #greeter: Greeter;
  #attempt = 0;
  #onlineSince = 0;
  #retryTimer: Timer | undefined;
  #graceTimer: Timer | undefined;
  #welcomeTimer: Timer | undefined;
  /** For requests that wait until the tunnel is up. */
  readonly #patience = new Set<Timer>();
  #dialing: AbortController | undefined;
  #onFirst: { resolve(): void; reject(error: ConnectError): void } | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger;
    [this.#session, this.#greeter] = this.#newSession();
  }

  get state(): ConnectorState {
    return this.#state;
  }

  get channelCount(): number {
    return this.#session.channelCount;
  }

  /**
   * Connects, and stays connected until `close`. Resolves once the server has answered for the first time; rejects
   * with ConnectError when that can never succeed as things are.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFirst = { resolve, reject };
      this.#connect();
    });
  }

  /** Does not wait for the next retry. */
  reconnectNow(): void {
    if (this.#state !== 'waiting') return;
    this.#attempt = 0;
    this.#connect();
  }

  open(target: Target, handler: OpenHandler): Channel {
    const channel = this.#session.open(target, handler);
    if (this.#state !== 'online') this.#limitPatience([channel]);
    return channel;
  }

  /** Leaves for good: every channel is reset, the server is told. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#enter('closed');
    this.#dialing?.abort();
    for (const timer of [this.#retryTimer, this.#graceTimer, this.#welcomeTimer]) timer?.cancel();
    this.#endPatience();
    this.#session.leave('this client was closed');
    this.#onFirst?.reject(new ConnectError('closed before it was connected', false));
  }

  #newSession(): [Session, Greeter] {
    const session: Session = new Session({
      role: 'client',
      clock: this.#clock,
      onDetached: (loss) => this.#onLost(session, loss),
      onClosed: (reason) => this.#onSessionClosed(session, reason),
    });
    const key = { id: randomBytes(16), secret: randomBytes(32) };
    return [session, new Greeter(session, key, this.#options.grace)];
  }

  #connect(): void {
    this.#retryTimer?.cancel();
    this.#enter('connecting');
    const dialing = new AbortController();
    this.#dialing = dialing;
    this.#options.dial(dialing.signal).then(
      (transport) => this.#onDialed(transport),
      (error: unknown) => this.#onFailed(error),
    );
  }

  #onDialed(transport: Transport): void {
    if (this.#state === 'closed') return transport.terminate();
    const session = this.#session;
    this.#greeter.greet(transport, () => this.#onWelcome());
    this.#welcomeTimer = this.#clock.setTimer(() => {
      session.detach({ code: 1006, reason: 'the server did not answer the greeting' });
    }, WELCOME_TIMEOUT);
  }

  #onWelcome(): void {
    this.#welcomeTimer?.cancel();
    this.#endPatience();
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
    this.#onlineSince = this.#clock.now();
    this.#enter('online');
    this.#logger.info({ channels: this.#session.channelCount }, 'connected to the server');
    this.#onFirst?.resolve();
    this.#onFirst = undefined;
  }

  #onFailed(error: unknown): void {
    if (this.#state === 'closed') return;
    const failure = error instanceof ConnectError ? error : new ConnectError(String(error), false, { cause: error });
    if (failure.permanent && this.#onFirst !== undefined) {
      const first = this.#onFirst;
      this.#onFirst = undefined;
      this.close();
      first.reject(failure);
      return;
    }
    this.#retry(failure.message);
  }

  /** The transport is gone; the session may be resumed, unless the server said otherwise. */
  #onLost(session: Session, loss: Loss): void {
    if (session !== this.#session) return;
    this.#welcomeTimer?.cancel();
    if (SESSION_ENDING.has(loss.code)) {
      // The server is there, only the session is not: a fresh one can begin at once.
      if (FORGOTTEN.has(loss.code)) this.#attempt = 0;
      return session.close(loss.reason, loss.code);
    }
    this.#limitPatience(session.unanswered);
    this.#graceTimer ??= this.#clock.setTimer(() => {
      session.close('the server could not be reached for too long', CloseCode.normal);
    }, this.#options.grace);
    this.#retry(`${loss.reason || 'connection lost'} (${loss.code})`);
  }

  /** Its channels are reset; new requests go to a fresh session, at once or as soon as there is a way. */
  #onSessionClosed(session: Session, reason: string): void {
    if (session !== this.#session || this.#state === 'closed') return;
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
    this.#welcomeTimer?.cancel();
    this.#logger.warn({ reason }, 'session ended');
    [this.#session, this.#greeter] = this.#newSession();
    if (this.#state !== 'waiting') this.#retry(reason);
  }

  #retry(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'online' && this.#clock.now() - this.#onlineSince >= GOOD_LIFE) this.#attempt = 0;
    const resuming = this.#session.channelCount > 0;
    const delay = Math.round(retryDelay(this.#attempt, resuming, this.#options.random ?? Math.random));
    this.#attempt += 1;
    this.#enter('waiting');
    this.#logger.warn({ reason, retryInMs: delay }, 'not connected to the server');
    this.#retryTimer = this.#clock.setTimer(() => this.#connect(), delay);
  }

  #limitPatience(channels: Channel[]): void {
    if (channels.length === 0) return;
    const timer = this.#clock.setTimer(() => {
      this.#patience.delete(timer);
      for (const channel of channels) channel.giveUp('TUNNEL_DOWN');
    }, PATIENCE);
    this.#patience.add(timer);
  }

  /** There is a way, or there will never be one: nobody waits any more. */
  #endPatience(): void {
    for (const timer of this.#patience) timer.cancel();
    this.#patience.clear();
  }

  #enter(state: ConnectorState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#logger.debug({ state, previous }, 'connector');
    this.#options.onState?.(state, previous);
  }
}
