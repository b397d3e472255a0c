import {
  type Carried,
  type Clock,
  type KeptSession,
  type Loss,
  type OfferedChannel,
  type OfferedFlow,
  type OfferedListener,
  type ProcessBudgets,
  type ReplayPace,
  Session,
  type SessionOptions,
  type SlabPool,
  sessionName,
  type Timer,
} from 'wsproxy-engine';
import type { CallDesk } from '../calls/call-desk.js';
import type { FlowHandler } from '../flows/flow-handler.js';
import { type FlowingSession, SessionFlows } from '../flows/session-flows.js';
import type { Caller } from '../gateway/caller.js';
import type { Guard } from '../limits/guard.js';
import type { SessionTurns } from '../limits/session-turns.js';
import type { ListenerDesk } from '../listeners/listener-table.js';
import { type ListeningSession, SessionListeners } from '../listeners/session-listeners.js';
import type { User } from '../users/user.js';
import { ChannelTotals, type DiallingSession } from './channel-totals.js';
import { type ExpiryEvents, ExpiryWatch } from './expiry-watch.js';

/**
 * A session, and what the server keeps with it. It hears itself what becomes of the session: one object in place of a
 * function for each event, since thousands may be idle.
 */
export class LivingSession
  implements KeptSession, SessionOptions, ExpiryEvents, DiallingSession, FlowingSession, ListeningSession
{
  readonly role = 'server';
  readonly id: string;
  readonly session: Session;
  readonly totals: ChannelTotals;
  readonly processBudgets: ProcessBudgets;
  readonly replayPace: ReplayPace;
  readonly grace: number;
  attempt = 0;
  /** As authenticated last. */
  user: User;
  /** Who its present transport comes from, or the last one did. */
  caller: Caller;
  graceTimer: Timer | undefined;
  /** Since when its client is away, by the clock; undefined while it is there. */
  awaySince: number | undefined;
  /** When it began, by the clock. */
  readonly began: number;
  /** Once it has had one. */
  flows: SessionFlows | undefined;
  /** The same. */
  listeners: SessionListeners | undefined;
  readonly #keeper: SessionKeeper;
  /** A character for each byte, which takes a quarter of the memory that an array does. */
  readonly #secret: string;
  /** Of the token that its client came with last; undefined until one has come that expires. */
  #expiry: ExpiryWatch | undefined;

  constructor(keeper: SessionKeeper, { id, secret, grace, user, caller }: Beginning) {
    this.#keeper = keeper;
    const { guard, clock } = keeper;
    this.id = Buffer.from(id).toString('hex');
    this.#secret = Buffer.from(secret).toString('latin1');
    this.grace = grace;
    this.user = user;
    this.caller = caller;
    this.began = clock.now();
    this.totals = new ChannelTotals(sessionName(id), caller.probe === true, this);
    this.processBudgets = guard.memoryOf(user);
    this.replayPace = guard.replayPaceOf(user);
    this.session = new Session(this);
  }

  /** What people see of it: enough to tell sessions apart. */
  get shortId(): string {
    return this.totals.id;
  }

  get secret(): Uint8Array {
    return Buffer.from(this.#secret, 'latin1');
  }

  get clock(): Clock {
    return this.#keeper.clock;
  }

  get memory(): SlabPool {
    return this.#keeper.memory;
  }

  get maxChannels(): number {
    return this.#keeper.guard.limits.channelsPerSession;
  }

  get maxFlows(): number {
    return this.#keeper.guard.limits.flowsPerSession;
  }

  /** Undefined where the server offers none. */
  get onFlow(): ((flow: OfferedFlow) => void) | undefined {
    return this.#keeper.flows && ((flow) => this.#keeper.flows?.serve(flow, this.#beginFlows()));
  }

  onFlowRefused(flow: OfferedFlow, code: 'LIMIT_REACHED' | 'GOING_AWAY'): void {
    this.#keeper.flows?.turnAway(flow, this.#beginFlows(), code);
  }

  /** Undefined where the server listens for nobody. */
  get onListen(): ((listener: OfferedListener) => void) | undefined {
    const { listeners } = this.#keeper;
    if (listeners === undefined) return undefined;
    return (listener) => void listeners.serve(listener, this.beginListeners());
  }

  beginListeners(): SessionListeners {
    this.listeners ??= new SessionListeners(this, this.#keeper.guard);
    return this.listeners;
  }

  /** Beyond the limit of the user, which says by itself what it refuses: these are those that are not judged yet as well. */
  get maxListeners(): number {
    return 2 * this.#keeper.guard.accounts.mostListeners(this.user) + 1;
  }

  #beginFlows(): SessionFlows {
    this.flows ??= new SessionFlows(this, this.#keeper.guard);
    return this.flows;
  }

  /** `user` has come with a token that expires then; undefined for never. */
  belongsTo(user: User): void {
    this.user = user;
    if (user.tokenExpires !== undefined) this.#expiry ??= new ExpiryWatch(this.clock, this);
    this.#expiry?.watch(user.tokenExpires);
  }

  /** It is over. */
  stop(): void {
    this.graceTimer?.cancel();
    this.#expiry?.stop();
  }

  beginTurns(): SessionTurns {
    return this.#keeper.guard.beginSession(this.user);
  }

  onChannel(channel: OfferedChannel): void {
    this.#keeper.onChannel(channel, this);
  }

  onRefused(channel: OfferedChannel, code: 'LIMIT_REACHED' | 'GOING_AWAY'): void {
    this.#keeper.onRefused(channel, this, code);
  }

  onDetached(loss: Loss): void {
    this.#keeper.onDetached(this, loss);
    this.listeners?.onAway();
  }

  onRoundTrip(time: number): void {
    this.#keeper.onRoundTrip(time);
  }

  onIdle(): void {
    this.#keeper.onIdle();
  }

  onClosed(reason: string, unsent: readonly Carried[]): void {
    this.#keeper.listeners?.adopt(unsent);
    if (unsent.length > 0) this.#keeper.calls?.retry(this.user.id, unsent);
    this.#keeper.onClosed(this, reason);
  }

  onExpired(isNews: boolean): void {
    this.#keeper.onExpired(this, isNews);
  }

  onOver(): void {
    this.#keeper.onOver(this);
  }
}

/** What a client says as it begins one, and who it is. */
export interface Beginning {
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
  /** How long it is kept without a transport, ms. */
  readonly grace: number;
  readonly user: User;
  readonly caller: Caller;
}

/** The part that keeps sessions: what holds for each, and what is to be told of them, as `SessionOptions` and `ExpiryEvents` have it. */
export interface SessionKeeper {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly guard: Guard;
  /** Who serves flows, if anybody does. */
  readonly flows: FlowHandler | undefined;
  /** Who serves remote listeners, if anybody does. */
  readonly listeners: ListenerDesk | undefined;
  /** Who calls services of clients, if anybody does. */
  readonly calls: Pick<CallDesk, 'retry'> | undefined;
  onChannel(channel: OfferedChannel, living: LivingSession): void;
  onRefused(channel: OfferedChannel, living: LivingSession, code: 'LIMIT_REACHED' | 'GOING_AWAY'): void;
  onDetached(living: LivingSession, loss: Loss): void;
  onRoundTrip(time: number): void;
  onIdle(): void;
  onClosed(living: LivingSession, reason: string): void;
  onExpired(living: LivingSession, isNews: boolean): void;
  /** Its token has expired, and its client has not come with another. */
  onOver(living: LivingSession): void;
}
