import type { Channel } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import { CloseCode, HANDSHAKE_TIMEOUT } from '../constants.js';
import type { Flow } from '../datagram/flow.js';
import type { FailureCode } from '../failures.js';
import type { Carried } from '../session/carried.js';
import { Greeter } from '../session/greeter.js';
import { Session } from '../session/session.js';
import type { Loss } from '../session/session-options.js';
import type { Target } from '../target.js';
import type { Transport } from '../transport.js';
import { Attempts } from './attempts.js';
import { ConnectError } from './connect-error.js';
import type { KnownServer } from './known-server.js';
import { SILENCE, type WayStatus } from './known-server.js';
import { AT_ONCE, HURRIED_RETRY } from './pace.js';
import { type Online, type Phase, Phases, type PhaseTimer, type UplinkState } from './phases.js';
import { Renewal } from './renewal.js';
import { endsSession } from './session-ending.js';
import { Successor } from './successor.js';
import type { UplinkEvents } from './uplink-events.js';
import type { UplinkOptions } from './uplink-options.js';
import { WaitingRequests } from './waiting-requests.js';

/** One session, and the transports that carry it one after the other: connects, greets, resumes, until it is lost. */
export class Uplink {
  readonly session: Session;
  readonly #options: UplinkOptions;
  readonly #events: UplinkEvents<Uplink>;
  readonly #greeter: Greeter;
  readonly #attempts: Attempts;
  readonly #requests: WaitingRequests;
  readonly #phases: Phases;
  readonly #renewal: Renewal;
  readonly #successor: Successor;
  /** When the transport was lost, by the clock; undefined while it is online, and before it has had one. */
  #lostAt: number | undefined;
  /** When this session, or the last one before it, has tried the server, by the clock: what others try is of no use to it. */
  #triedAt: number;
  #trouble: ConnectError | undefined;
  #threat: ConnectError | undefined;
  #takesChannels = true;
  #holds = 0;
  /** The server has said that it is about to stop. */
  #isEnding = false;

  constructor(options: UplinkOptions, events: UplinkEvents<Uplink>) {
    const { clock, memory, heartbeat, lastChannel, processBudgets } = options;
    this.#options = options;
    this.#events = events;
    this.#triedAt = options.backoff.triedAt;
    this.#phases = new Phases(clock, () => events.onState(this));
    this.#renewal = new Renewal(clock, () => this.#renew());
    this.session = new Session({
      role: 'client',
      clock,
      memory,
      heartbeat,
      lastChannel,
      ...(processBudgets !== undefined && { processBudgets }),
      onCall: options.onCall,
      onDetached: (loss) => this.#onLost(loss),
      onSuspicion: () => this.#takeOver('the server is silent'),
      onGoAway: (kind) => this.#onGoAway(kind),
      onNumbersLow: () => {
        this.#takesChannels = false;
        events.onDraining(this);
      },
      onUndialled: (channel) => {
        this.#takesChannels = false;
        events.onUndialled(this, [channel]);
      },
      onIdle: () => events.onIdle(this),
      onClosed: (reason, unsent) => this.#onSessionClosed(reason, unsent),
    });
    this.#greeter = new Greeter(this.session, options.grace);
    const greeting = this.#greeter;
    this.#attempts = new Attempts((signal) => options.server.connect(signal, greeting));
    // An attempt that is under way has a reason that does not wait.
    const onTransport = (transport: Transport): void =>
      this.#attempts.areUnderWay ? transport.terminate() : this.#greet(transport);
    this.#successor = new Successor({ ...options, greeting, onTransport });
    this.#requests = new WaitingRequests(this.session, clock, () => this.#hurry());
  }

  get server(): KnownServer {
    return this.#options.server;
  }

  get state(): UplinkState {
    return this.#phases.state;
  }

  get way(): WayStatus | undefined {
    return this.#successor.way;
  }

  /** Why the last attempt to connect has failed; undefined when none has since it was online. */
  get trouble(): ConnectError | undefined {
    return this.#trouble;
  }

  /**
   * The server lives, but its process that has the session does not answer: since when that is away, by the clock. Undefined when the
   * last try has ended otherwise.
   */
  get ownerAwaySince(): number | undefined {
    return this.#trouble?.isOwnerAway === true ? this.#lostAt : undefined;
  }

  /** Why the server, which wants another transport, does not take one: the session ends soon. Undefined when it does not. */
  get threat(): ConnectError | undefined {
    return this.#threat;
  }

  /**
   * The server has opened a channel in this session, or kept it online for a while. One that was of no use must not be
   * followed at once by the next: a server that accepts sessions only to end them would be asked in a tight loop.
   */
  get wasOfUse(): boolean {
    return this.session.figures.opened > 0 || this.#phases.onlineTime >= AT_ONCE;
  }

  /** Connects now, no matter what the next retry was to be, and beside an attempt that may hang. */
  connect(): void {
    if (this.#phases.present.is === 'waiting') this.#enter({ is: 'connecting' });
    if (this.#phases.present.is !== 'connecting') return;
    this.#attempt((failure) => {
      this.#trouble = failure;
      if (failure.permanent) this.#events.onRefused(this, failure);
      this.#retry(failure.message, { atLeast: failure.retryAfter });
      this.#events.onUnreachable(this);
    });
  }

  /** Goes on with another transport, with the token of now; until that is there with the one it has. */
  renew(): void {
    this.#renewal.ask();
    this.connect();
  }

  /** Connects after a pause, as after a failure; tells how long it is, ms. */
  connectLater(reason: string): number {
    return this.#retry(reason, { level: 'info' });
  }

  open(target: Target, handler: OpenHandler, optimistic: boolean): Channel {
    const channel = this.session.open(target, handler, optimistic);
    this.#await([channel]);
    return channel;
  }

  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    const flow = this.session.openFlow(target, handler);
    this.#await([flow]);
    return flow;
  }

  /** Living channels and flows. */
  get carried(): number {
    return this.session.channelCount + this.session.flowCount;
  }

  /** Takes channels that no server has dialled, from a session that cannot bring them to one: somebody waits for them still. */
  adopt(channels: readonly Carried[]): void {
    for (const channel of channels) this.session.adopt(channel);
    this.#await(channels);
  }

  /** It is not to end for want of channels: remote listeners live in its session. */
  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** Until what is returned is called. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      // One that has just ended has nothing to be idle of.
      if (!this.isHeld && !this.session.closed && this.session.isIdle) this.#events.onIdle(this);
    };
  }

  /** False once the server has sent a channel elsewhere, or the numbers of the session run low. */
  get takesChannels(): boolean {
    return this.#takesChannels;
  }

  /** The server has dialled none of the channels: it has turned the session away. */
  get isTurnedAway(): boolean {
    return this.#greeter.isRefused;
  }

  /** Lets go of the channels that the server has surely not dialled: another uplink must adopt them. */
  release(): readonly Carried[] {
    return this.session.release(this.isTurnedAway ? 'unheard' : 'unsent');
  }

  /** Nobody need wait any longer for what waits here. */
  giveUp(): void {
    this.#requests.end();
    this.session.giveUp(this.session.unanswered, 'TUNNEL_DOWN');
  }

  /** Leaves for good: every channel is reset, and told `failure`; so is the server. */
  close(reason: string, failure?: FailureCode): void {
    if (this.#phases.present.is === 'closed') return;
    this.#enter({ is: 'closed' });
    this.session.leave(reason, failure);
  }

  /** Leaves the present phase, with its timers and its attempts to connect. */
  #enter(phase: Phase, ...timers: readonly PhaseTimer[]): void {
    this.#attempts.abort();
    this.#successor.end();
    if (phase.is === 'online') this.#lostAt = undefined;
    if (phase.is === 'closed') this.#renewal.end();
    if (phase.is === 'online' || phase.is === 'closed') {
      this.#requests.end();
      return this.#phases.enter(phase);
    }
    // Then the server lets go of it.
    const call = (): void => this.session.close('the server could not be reached for too long', CloseCode.normal);
    const after = this.#lostAt === undefined ? [] : [this.#lostAt + this.#greeter.grace - this.#options.clock.now()];
    this.#phases.enter(phase, ...timers, ...after.map((rest) => ({ after: rest, call })));
  }

  #await(channels: readonly Carried[]): void {
    if (channels.length === 0 || this.state === 'online' || this.state === 'closed') return;
    this.#requests.add(channels);
    this.#requests.hurry();
  }

  /** Connects for those who wait, but not more often than is good; tells when to do so again, ms. */
  #hurry(): number {
    const { clock } = this.#options;
    if (clock.now() - this.#triedAt >= HURRIED_RETRY) this.connect();
    const left = this.#triedAt + HURRIED_RETRY - clock.now();
    return left > 0 ? left : HURRIED_RETRY;
  }

  #attempt(onFailure: (failure: ConnectError) => void, isWanted: () => boolean = () => true): void {
    const { backoff, clock } = this.#options;
    this.#triedAt = clock.now();
    backoff.triedAt = this.#triedAt;
    const onUsed = this.#renewal.begin();
    this.#attempts.begin((transport) => {
      if (!isWanted()) return transport.terminate();
      onUsed();
      this.#greet(transport);
    }, onFailure);
  }

  #greet(transport: Transport): void {
    if (this.#phases.present.is === 'online') this.#judgeLife(this.#phases.present);
    const seems = this.state === 'online' ? 'online' : 'connecting';
    const call = (): void => this.session.detach({ code: 1006, reason: SILENCE });
    const after = this.server.ways?.greetingTime(transport) ?? HANDSHAKE_TIMEOUT;
    this.#enter({ is: 'greeting', seems, transport }, { after, call });
    this.#greeter.greet(transport, () => this.#onWelcome(transport));
  }

  /** The present transport may be dead: while it is given the chance to show life, another one is made. */
  #takeOver(reason: string): void {
    if (this.#phases.present.is !== 'online') return;
    const { logger } = this.#options;
    const { lastSign } = this.session;
    const isSilent = (): boolean => this.session.lastSign === lastSign;
    logger.info({ reason }, 'trying another transport');
    this.#attempt((failure) => {
      logger.info({ reason: failure.message }, 'no other transport');
      if (!isSilent()) return;
      if (!failure.isOwnerAway) return this.#requests.add(this.session.unanswered);
      // Its server says that nobody is at the other end: the session is better off without it, as is anything that is new.
      this.session.detach({ code: 1006, reason: failure.message });
      this.#trouble = failure;
      this.#events.onUnreachable(this);
    }, isSilent);
  }

  #renew(): void {
    if (this.#phases.present.is !== 'online') return;
    const { logger } = this.#options;
    logger.info({ reason: 'the token may have changed' }, 'trying another transport');
    this.#attempt(({ message }) => {
      logger.warn({ reason: message }, 'no other transport');
      this.#renewal.failed();
    });
  }

  #onGoAway(kind: 'drain' | 'migrate' | 'refused'): void {
    const { clock, logger } = this.#options;
    if (kind === 'refused') {
      this.#greeter.onRefused();
      if (this.isTurnedAway) this.#events.onTurnedAway(this);
      return;
    }
    if (kind === 'drain') return this.#onDrain();
    if (clock.now() - this.#triedAt < HURRIED_RETRY) return;
    logger.info({ reason: 'the server asks for one' }, 'trying another transport');
    this.#attempt((failure) => {
      const reason = failure.message;
      if (!failure.permanent || this.#threat !== undefined) return logger.info({ reason }, 'no other transport');
      this.#threat = failure;
      logger.warn({ reason }, 'the server wants another transport, and refuses it: the session ends soon');
    });
  }

  /** It may say so again and again. */
  #onDrain(): void {
    if (!this.#isEnding)
      this.#options.logger.info({}, 'the server is about to stop; until then it serves what is there');
    this.#isEnding = true;
    this.#noteUse();
    this.#events.onDraining(this);
  }

  #onWelcome(transport: Transport): void {
    const isResumed = this.#phases.wasOnline;
    this.#trouble = this.#threat = undefined;
    this.server.ways?.onAnswered(transport);
    const fields = { session: this.#greeter.sessionName, channels: this.session.channelCount };
    this.#options.logger.info({ ...fields, ...this.server.ways?.fieldsOf(transport) }, 'connected to the server');
    this.#enter({ is: 'online', since: this.#options.clock.now(), progress: this.session.figures.progress });
    this.#successor.watch(transport);
    if (isResumed) this.#events.onResumed(this);
    this.#renewal.tryNow();
  }

  /** The transport is gone; the session may be resumed, unless the server said otherwise. */
  #onLost(loss: Loss): void {
    const hasServed = this.state !== 'connecting';
    const { present } = this.#phases;
    if (present.is === 'greeting') this.server.ways?.onUnwelcome(present.transport, loss, this.#greeter.isRefused);
    if (present.is === 'online') this.#successor.onLost(loss, this.#judgeLife(present));
    const isLate = loss.code === CloseCode.late;
    if (isLate) this.#greeter.onUnread();
    const canBegin = loss.code === CloseCode.sessionUnknown && this.#greeter.onUnknown();
    if (endsSession(loss.code) && !canBegin) {
      if (loss.code === CloseCode.unsupportedVersion) {
        const refusal = new ConnectError(loss.reason, true, { code: 'UNSUPPORTED_VERSION' });
        this.#trouble = refusal;
        this.#events.onRefused(this, refusal);
      }
      return this.session.close(`${loss.reason} (${loss.code})`, loss.code);
    }
    if ((canBegin || isLate) && this.isTurnedAway) this.#events.onTurnedAway(this);
    if (this.state === 'closed') return;
    this.#requests.add(this.session.unanswered);
    this.#requests.hurryIn(HURRIED_RETRY);
    this.#lostAt ??= this.#options.clock.now();
    // A proxy that reloads does as much, and the next try goes well: nobody has to get up for it.
    this.#retry(`${loss.reason || 'connection lost'} (${loss.code})`, {
      level: hasServed || this.isTurnedAway ? 'info' : 'warn',
    });
    if (!hasServed) this.#events.onUnreachable(this);
  }

  /**
   * The transport is given up: the sooner the next one comes the better, if this one was worth having. Returns whether it has brought
   * nothing, though the session waits for something.
   */
  #judgeLife({ since, progress }: Online): boolean {
    const { backoff, clock } = this.#options;
    const life = clock.now() - since;
    const isBarren = this.session.figures.progress === progress;
    // However short its life was: it has carried something.
    if (!isBarren) backoff.reset();
    else if (this.carried > 0 || life >= AT_ONCE) backoff.lived(life);
    return isBarren && this.carried > 0;
  }

  /** The session takes no more channels: the next one may begin at once, if this one was of use. */
  #noteUse(): void {
    if (this.wasOfUse) this.#options.backoff.reset();
  }

  #onSessionClosed(reason: string, unsent: readonly Carried[]): void {
    if (this.#phases.present.is === 'closed') return;
    this.#options.logger.warn({ reason }, 'session ended');
    this.#noteUse();
    this.#events.onRetry(this, { reason, delay: 0, former: this.state });
    this.#enter({ is: 'closed' });
    this.#events.onEnded(this, unsent);
  }

  #retry(reason: string, { atLeast = 0, level = 'warn' }: { atLeast?: number; level?: 'info' | 'warn' }): number {
    if (this.#phases.present.is === 'closed') return 0;
    const { backoff, clock, logger } = this.#options;
    const isAwaited = this.carried > 0 || this.#options.isAwaited?.() === true;
    const delay = Math.max(atLeast, Math.round(backoff.next(isAwaited, clock.now())));
    if (this.#options.isServed?.() === true)
      logger.debug({ reason, retryInMs: delay }, 'not connected; another session serves');
    else {
      logger[level]({ reason, retryInMs: delay }, 'not connected to the server');
      this.#events.onRetry(this, { reason, delay, former: this.state });
    }
    this.#enter({ is: 'waiting' }, { after: delay, call: () => this.connect() });
    return delay;
  }
}
