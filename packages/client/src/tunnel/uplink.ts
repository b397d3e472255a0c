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
} from 'wsproxy-engine';
import { ConnectError } from '../reach/connect-error.js';
import type { Backoff } from './backoff.js';
import { Dialing, type ServerRoute } from './dialing.js';
import { Patience } from './patience.js';

/** `waiting` is the pause between two tries. */
export type UplinkState = 'connecting' | 'online' | 'waiting' | 'closed';

export interface UplinkOptions {
  readonly server: ServerRoute;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly backoff: Backoff;
  /** How long the channels wait for the way back, ms. */
  readonly grace: number;
  /** Silence after which either end sends something, ms; undefined for the usual 15 s. */
  readonly heartbeat?: number | undefined;
  /** The highest channel number of a session; undefined for the last there is. */
  readonly lastChannel?: number | undefined;
}

/** What becomes of an uplink. */
export interface UplinkEvents {
  onState(uplink: Uplink): void;
  /** The session goes on with another transport. */
  onResumed(uplink: Uplink): void;
  /** Trying again is of no use as things are; the uplink tries nevertheless, unless it is closed now. */
  onRefused(uplink: Uplink, error: ConnectError): void;
  /** The server could not be reached, or did not answer; it will be tried again. */
  onUnreachable(uplink: Uplink): void;
  /** Takes no more channels; those it has live on. */
  onDraining(uplink: Uplink): void;
  /** The server takes no more channels, and has not dialled this one: another uplink may adopt it. */
  onUndialled(uplink: Uplink, channel: Channel): void;
  /** The server has not begun the session, and has dialled nothing of it: another uplink may adopt what `release` gives. */
  onTurnedAway(uplink: Uplink): void;
  /** Its last channel is over. */
  onIdle(uplink: Uplink): void;
  /** The session is over, the channels are reset; another uplink may begin, and adopt those in `unsent`. */
  onEnded(uplink: Uplink, unsent: readonly Channel[]): void;
}

/** HELLO or RESUME must be answered within this time, ms. */
const WELCOME_TIMEOUT = 5_000;
/** While a request waits, another dial begins as often as this, ms. */
const HURRIED_RETRY = 1_500;
/** A session that was online for less than this, ms, and opened no channel, was of no use. */
const AT_ONCE = 1_000;
/** Close codes after which the server does not know the session, or wants no more of it. */
const SESSION_ENDING: ReadonlySet<number> = new Set([
  CloseCode.sessionUnknown,
  CloseCode.sessionExpired,
  CloseCode.accessLost,
  CloseCode.superseded,
  CloseCode.protocolError,
  CloseCode.unsupportedVersion,
  CloseCode.textMessage,
]);

/** One session, and the transports that carry it one after the other: dials, greets, resumes, until it is lost. */
export class Uplink {
  readonly session: Session;
  readonly #options: UplinkOptions;
  readonly #events: UplinkEvents;
  readonly #clock: Clock;
  readonly #greeter: Greeter;
  readonly #dialing: Dialing;
  readonly #patience: Patience;
  #state: UplinkState = 'waiting';
  #wasOnline = false;
  #onlineSince = 0;
  /** How long it was online on former transports, ms. */
  #onlineBefore = 0;
  #progressBefore = 0;
  #retryTimer: Timer | undefined;
  #hurryTimer: Timer | undefined;
  #graceTimer: Timer | undefined;
  #welcomeTimer: Timer | undefined;

  constructor(options: UplinkOptions, events: UplinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#clock = options.clock;
    this.#dialing = new Dialing(options.server.dial);
    this.session = new Session({
      role: 'client',
      clock: options.clock,
      heartbeat: options.heartbeat,
      lastChannel: options.lastChannel,
      onDetached: (loss) => this.#onLost(loss),
      onSuspicion: () => this.#takeOver('the server is silent'),
      onGoAway: (kind) => this.#onGoAway(kind),
      onNumbersLow: () => this.#events.onDraining(this),
      onUndialled: (channel) => events.onUndialled(this, channel),
      onIdle: () => events.onIdle(this),
      onClosed: (reason, unsent) => this.#onSessionClosed(reason, unsent),
    });
    this.#greeter = new Greeter(this.session, { id: randomBytes(16), secret: randomBytes(32) }, options.grace);
    this.#patience = new Patience(this.session, options.clock);
  }

  get server(): ServerRoute {
    return this.#options.server;
  }

  get state(): UplinkState {
    return this.#state;
  }

  /**
   * The server has opened a channel in this session, or kept it online for a while. One that was of no use must not be
   * followed at once by the next: a server that accepts sessions only to end them would be asked in a tight loop.
   */
  get wasOfUse(): boolean {
    const online = this.#state === 'online' ? this.#clock.now() - this.#onlineSince : 0;
    return this.session.opened > 0 || this.#onlineBefore + online >= AT_ONCE;
  }

  /** Connects now, whatever the next retry was to be, and beside a dial that may hang. */
  connect(): void {
    if (this.#state === 'closed' || this.session.attached) return;
    this.#retryTimer?.cancel();
    this.#enter('connecting');
    this.#dial(
      (transport) => this.#greet(transport),
      (failure) => {
        if (failure.permanent) this.#events.onRefused(this, failure);
        this.#retry(failure.message, failure.retryAfter);
        this.#events.onUnreachable(this);
      },
    );
  }

  /** Connects after a pause, as after a failure; tells how long it is, ms. */
  connectLater(reason: string): number {
    return this.#retry(reason);
  }

  open(target: Target, handler: OpenHandler, optimistic: boolean): Channel {
    const channel = this.session.open(target, handler, optimistic);
    this.#await([channel]);
    return channel;
  }

  /** Takes channels that no server has dialled, from a session that cannot bring them to one: somebody waits for them still. */
  adopt(channels: readonly Channel[]): void {
    for (const channel of channels) this.session.adopt(channel);
    this.#await(channels);
  }

  /** The server has dialled none of the channels: it has turned the session away. */
  get isTurnedAway(): boolean {
    return this.#greeter.isRefused;
  }

  /** Lets go of the channels that the server has surely not dialled: another uplink must adopt them. */
  release(): readonly Channel[] {
    return this.isTurnedAway ? this.session.releaseUnheard() : this.session.releaseUnsent();
  }

  #await(channels: readonly Channel[]): void {
    if (channels.length === 0 || this.#state === 'online' || this.#state === 'closed') return;
    this.#patience.limit(channels);
    this.#hurry();
  }

  /** Somebody waits: no pause is worth keeping, and a dial that hangs may hang on a path that is back meanwhile. */
  #hurry(): void {
    this.#hurryTimer?.cancel();
    if (!this.#patience.isTried) return;
    const { backoff } = this.#options;
    if (this.#clock.now() - backoff.dialedAt >= HURRIED_RETRY) this.connect();
    const left = backoff.dialedAt + HURRIED_RETRY - this.#clock.now();
    this.#hurryTimer = this.#clock.setTimer(() => this.#hurry(), left > 0 ? left : HURRIED_RETRY);
  }

  /** Leaves for good: every channel is reset, the server is told. */
  close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#enter('closed');
    this.#stop();
    this.session.leave(reason);
  }

  #dial(onTransport: (transport: Transport) => void, onFailure: (failure: ConnectError) => void): void {
    this.#options.backoff.dialedAt = this.#clock.now();
    this.#dialing.begin(onTransport, onFailure);
  }

  #greet(transport: Transport): void {
    this.#greeter.greet(transport, () => this.#onWelcome());
    this.#welcomeTimer?.cancel();
    this.#welcomeTimer = this.#clock.setTimer(() => {
      this.session.detach({ code: 1006, reason: 'the server did not answer the greeting' });
    }, WELCOME_TIMEOUT);
  }

  /** The present transport may be dead: while it is given the chance to show life, another one is made. */
  #takeOver(reason: string): void {
    if (this.#state !== 'online') return;
    const { lastSign } = this.session;
    const isSilent = (): boolean => this.#state === 'online' && this.session.lastSign === lastSign;
    this.#options.logger.info({ reason }, 'trying another transport');
    this.#dial(
      (transport) => {
        if (isSilent()) this.#greet(transport);
        else transport.terminate();
      },
      (failure) => {
        this.#options.logger.info({ reason: failure.message }, 'no other transport');
        if (isSilent()) this.#patience.limit(this.session.unanswered);
      },
    );
  }

  #onGoAway(kind: 'drain' | 'migrate' | 'refused'): void {
    if (kind === 'refused') {
      this.#greeter.onRefused();
      return this.#noteTurnedAway();
    }
    this.#options.logger.info({ kind }, 'the server asks to go away');
    if (kind === 'drain') {
      this.#noteUse();
      return this.#events.onDraining(this);
    }
    if (this.#clock.now() - this.#options.backoff.dialedAt < HURRIED_RETRY) return;
    this.#dial(
      (transport) => this.#greet(transport),
      (failure) => this.#options.logger.info({ reason: failure.message }, 'no other transport'),
    );
  }

  #onWelcome(): void {
    this.#welcomeTimer?.cancel();
    this.#hurryTimer?.cancel();
    this.#patience.end();
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
    this.#onlineSince = this.#clock.now();
    this.#progressBefore = this.session.progress;
    this.#options.logger.info({ channels: this.session.channelCount }, 'connected to the server');
    this.#enter('online');
    if (this.#wasOnline) this.#events.onResumed(this);
    this.#wasOnline = true;
  }

  /** The transport is gone; the session may be resumed, unless the server said otherwise. */
  #onLost(loss: Loss): void {
    this.#welcomeTimer?.cancel();
    this.#noteLife();
    const canBegin = loss.code === CloseCode.sessionUnknown && this.#greeter.onUnknown();
    if (SESSION_ENDING.has(loss.code) && !canBegin) {
      if (loss.code === CloseCode.unsupportedVersion) this.#events.onRefused(this, new ConnectError(loss.reason, true));
      return this.session.close(`${loss.reason} (${loss.code})`, loss.code);
    }
    if (canBegin) this.#noteTurnedAway();
    if (this.#state === 'closed') return;
    this.#patience.limit(this.session.unanswered);
    this.#graceTimer ??= this.#clock.setTimer(() => {
      this.session.close('the server could not be reached for too long', CloseCode.normal);
    }, this.#greeter.grace);
    const neverServed = this.#state === 'connecting';
    this.#retry(`${loss.reason || 'connection lost'} (${loss.code})`);
    if (neverServed) this.#events.onUnreachable(this);
  }

  #noteTurnedAway(): void {
    if (this.isTurnedAway) this.#events.onTurnedAway(this);
  }

  /** The transport is lost: the sooner the next one comes the better, if this one was worth having. */
  #noteLife(): void {
    if (this.#state !== 'online') return;
    const life = this.#clock.now() - this.#onlineSince;
    this.#onlineBefore += life;
    this.#onlineSince = this.#clock.now();
    // However short its life was: it has carried something.
    if (this.session.progress > this.#progressBefore) this.#options.backoff.reset();
    else if (this.session.channelCount > 0 || life >= AT_ONCE) this.#options.backoff.lived(life);
  }

  /** The session takes no more channels: the next one may begin at once, if this one was of use. */
  #noteUse(): void {
    if (this.wasOfUse) this.#options.backoff.reset();
  }

  #onSessionClosed(reason: string, unsent: readonly Channel[]): void {
    if (this.#state === 'closed') return;
    this.#options.logger.warn({ reason }, 'session ended');
    this.#noteUse();
    this.#enter('closed');
    this.#stop();
    this.#events.onEnded(this, unsent);
  }

  #retry(reason: string, atLeast = 0): number {
    if (this.#state === 'closed') return 0;
    const { backoff, logger } = this.#options;
    this.#dialing.abort();
    const delay = Math.max(atLeast, Math.round(backoff.next(this.session.channelCount > 0)));
    logger.warn({ reason, retryInMs: delay }, 'not connected to the server');
    this.#enter('waiting');
    this.#retryTimer?.cancel();
    this.#retryTimer = this.#clock.setTimer(() => this.connect(), delay);
    return delay;
  }

  #stop(): void {
    this.#dialing.abort();
    this.#patience.end();
    for (const timer of [this.#retryTimer, this.#hurryTimer, this.#graceTimer, this.#welcomeTimer]) timer?.cancel();
  }

  #enter(state: UplinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.onState(this);
  }
}
