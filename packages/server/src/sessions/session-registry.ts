import {
  acceptTransport,
  type Clock,
  CloseCode,
  type Logger,
  type Loss,
  type OfferedChannel,
  ProtocolError,
  type SessionHost,
  type SlabPool,
  type Transport,
  unknownSession,
} from 'wsproxy-engine';
import type { CallDesk } from '../calls/call-desk.js';
import type { ChannelHandler, RefusalHandler } from '../channels/channel-handler.js';
import type { Migration } from '../cluster/migration.js';
import type { FlowHandler } from '../flows/flow-handler.js';
import type { Caller } from '../gateway/caller.js';
import { FloodLog } from '../limits/flood-log.js';
import type { Guard } from '../limits/guard.js';
import type { LimitName } from '../limits/limits.js';
import type { ListenerDesk } from '../listeners/listener-table.js';
import type { ServerObserver, SessionEvent } from '../observe/observer.js';
import type { User } from '../users/user.js';
import { Admission, type SessionLimit } from './admission.js';
import { type Beginning, LivingSession, type SessionKeeper } from './living-session.js';
import { describeSession, type SessionInfo } from './session-info.js';
import type { SessionPlace } from './session-place.js';
import { SessionTable } from './session-table.js';

const ACCESS_LOST = 'the user was removed, disabled or given another token';
const TOKEN_EXPIRED = 'the token has expired';
/**
 * For so long before its end a server that drains takes no more channels, ms: those it has may finish, and new ones wait in the
 * client, which gives them 5 s, for the next server.
 */
const LAST_CALL = 1_000;
/** How many ended sessions are remembered, to tell "expired" from "unknown". */
const REMEMBERED = 1_000;

/** Every living session, by its id; a detached one is kept for its grace. */
export class SessionRegistry implements SessionKeeper {
  readonly #options: SessionRegistryOptions;
  readonly #presence: (user: User) => User | undefined;
  readonly #living = new SessionTable<LivingSession>();
  /** Ids of sessions that ended, oldest first. */
  readonly #ended = new Set<string>();
  readonly #admission: Admission;
  readonly #rejections: FloodLog;
  /** The route, where there is one. */
  readonly #told: Pick<SessionHost<LivingSession>, 'route'>;
  #draining = false;
  /** Called whenever one of them has become idle, or is over, while the server drains. */
  #onDrained: (() => void) | undefined;
  /** Resolves what `drain` has promised. */
  #endDrain: (() => void) | undefined;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#presence = options.present ?? ((user) => user);
    const { clock, logger, route } = options;
    this.#told = route === undefined ? {} : { route };
    this.#rejections = new FloodLog((fields, message) => logger.info(fields, message), clock);
    this.#admission = new Admission(options.guard.limits, this.#living);
  }

  get size(): number {
    return this.#living.size;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get memory(): SlabPool {
    return this.#options.memory;
  }

  get guard(): Guard {
    return this.#options.guard;
  }

  get flows(): FlowHandler | undefined {
    return this.#options.flows;
  }

  get listeners(): ListenerDesk | undefined {
    return this.#options.listeners;
  }

  get calls(): RegistryCalls | undefined {
    return this.#options.calls;
  }

  /** Living sessions of a user, oldest first. */
  of(userId: string): LivingSession[] {
    return this.#living.of(userId);
  }

  /** Every living session, for people and metrics to read. */
  describe(): SessionInfo[] {
    const now = this.#options.clock.now();
    return [...this.#living].map(({ session, user, shortId, caller, began, flows, listeners }) => {
      const { remoteAddress, way = 'WebSocket', version } = caller;
      return describeSession(session, {
        flows: [...(flows?.describe() ?? []), ...(listeners?.describeFlows() ?? [])],
        listeners: listeners?.describe() ?? [],
        arrivals: listeners?.describeArrivals() ?? [],
        ...{ user: user.id, tokenLabel: user.tokenLabel, id: shortId, remoteAddress, way, version },
        ageMs: Math.round(now - began),
      });
    });
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    let count = 0;
    for (const { session } of this.#living) count += session.channelCount;
    return count;
  }

  /** The limit that stands against one more WebSocket of `user`; undefined when there is room. */
  refuses(user: User): SessionLimit | undefined {
    return this.#admission.refusesTransport(user);
  }

  /** A WebSocket of `user` is open; returns what to call when it is closed. It counts as long, no matter what its session does. */
  onOpen(user: User): () => void {
    return this.#admission.opened(user);
  }

  /** Reads the greeting on a fresh transport, and gives it a session: a new one, or the one it resumes. */
  accept(transport: Transport, user: User, caller: Caller = {}, place?: SessionPlace): void {
    const { clock } = this.#options;
    const greeted = this.#admission.greets(user);
    const host: SessionHost<LivingSession> = {
      ...this.#told,
      create: ({ id, secret, grace }) => {
        greeted();
        try {
          return this.#create({ id, secret, grace, user: this.#present(user), caller }, place);
        } finally {
          place?.release();
        }
      },
      find: ({ id }) => {
        greeted();
        place?.release();
        return this.#find(hex(id), this.#present(user));
      },
      onResumed: (living) => this.#onResumed(living, this.#present(user), caller),
      onRejected: (reason) => {
        greeted();
        place?.release();
        const fields = { user: user.id, ...caller, reason };
        // A doctor only looks where its transports arrive.
        if (caller.probe === true) this.#options.logger.debug(fields, 'refused a session');
        else this.#rejections.write({ source: user.id }, fields, 'refused a session');
      },
    };
    acceptTransport(transport, host, clock);
  }

  /**
   * Takes no more sessions, and no more channels from anyone who can go elsewhere; resolves when the last channel is over and
   * its client has all of it, or after `deadline` ms, with the number of channels that are left. Anyone who has nowhere to go,
   * since this server alone holds the port, is served until shortly before that. Clients without a channel have `patience` ms to
   * leave by themselves, once they have another session.
   */
  drain(deadline: number, patience: number = 0): Promise<number> {
    const { clock, guard } = this.#options;
    // Clients begin others elsewhere before they leave these, and no more can come: they count no longer among those of all processes.
    if (!this.#draining) for (const { user } of this.#living) guard.accounts.endSession(user);
    this.#draining = true;
    // It may drain for long already: the deadline of now counts.
    this.#endDrain?.();
    for (const { session } of this.#living) session.announceDrain(deadline);
    return new Promise((resolve) => {
      const finish = (): void => {
        for (const each of [timer, lastCall, patient]) each.cancel();
        this.#onDrained = undefined;
        this.#endDrain = undefined;
        resolve(this.channelCount);
      };
      const timer = clock.setTimer(finish, deadline);
      const rest = Math.min(deadline, LAST_CALL);
      const lastCall = clock.setTimer(() => {
        this.listeners?.close();
        for (const { session } of this.#living) session.drain(rest);
      }, deadline - rest);
      let isPatient = patience > 0;
      const patient = clock.setTimer(() => {
        isPatient = false;
        this.#onDrained?.();
      }, patience);
      this.#endDrain = finish;
      this.#onDrained = () => {
        if (isPatient && this.size > 0) return;
        for (const { session } of this.#living) if (!session.isIdle) return;
        finish();
      };
      this.#onDrained();
    });
  }

  /** Resolves when every transport that has come has said which session it is for, and has its answer. */
  greeted(): Promise<void> {
    return this.#admission.greeted();
  }

  /**
   * Ends the sessions of those who may not come in any more: their channels are reset, their clients told why. The others
   * go on with the rules of now.
   */
  endAbsent(): void {
    for (const living of this.#living) {
      const present = this.#presence(living.user);
      if (present === undefined) living.session.close(ACCESS_LOST, CloseCode.accessLost);
      else living.belongsTo(present);
    }
    this.listeners?.review();
  }

  /** The same for the sessions of one user, who may come in again; returns their number. */
  endSessionsOf(userId: string): number {
    const theirs = this.#living.of(userId);
    for (const { session } of theirs) session.close(ACCESS_LOST, CloseCode.accessLost);
    return theirs.length;
  }

  /** Ends every session; the channels are reset. */
  close(): void {
    this.listeners?.close();
    for (const { session } of this.#living) session.leave('the server is stopping');
    this.#rejections.flush();
  }

  #create(beginning: Beginning, place: SessionPlace | undefined): LivingSession {
    const { id, user, caller } = beginning;
    if (this.#draining) throw new ProtocolError('the server is draining', CloseCode.serviceRestart);
    if (this.#living.get(hex(id)) !== undefined)
      throw new ProtocolError('a session with that id exists', CloseCode.protocolError);
    this.#makeRoom(user, place);
    const grace = Math.min(beginning.grace, user.limits?.grace ?? this.#options.maxGrace);
    const living = new LivingSession(this, { ...beginning, grace });
    this.#living.add(living);
    this.#tell('began', living);
    living.belongsTo(user);
    this.#options.migration?.onTransport(living.session, caller.handed === true);
    this.calls?.onChange(user.id);
    return living;
  }

  onChannel(channel: OfferedChannel, { user, totals }: LivingSession): void {
    this.#options.onChannel(channel, this.#present(user), totals);
  }

  onRefused(channel: OfferedChannel, { user, totals }: LivingSession, code: 'LIMIT_REACHED' | 'GOING_AWAY'): void {
    this.#options.onRefused?.(channel, user, totals, code);
  }

  onRoundTrip(time: number): void {
    this.#options.observer?.onRoundTrip?.(time);
  }

  onIdle(): void {
    this.#onDrained?.();
  }

  onDetached(living: LivingSession, loss: Loss): void {
    const { clock } = this.#options;
    const { session, grace } = living;
    this.#tell('detached', living, { ...loss, channels: session.channelCount });
    this.#living.detach(living, clock.now());
    this.#options.migration?.onAway(session);
    living.graceTimer?.cancel();
    living.graceTimer = clock.setTimer(() => {
      if (!session.attached) session.close('expired', CloseCode.sessionExpired);
    }, grace);
  }

  /** With the rules of now, and from where its client comes now. */
  #onResumed(living: LivingSession, user: User, caller: Caller): void {
    living.graceTimer?.cancel();
    living.graceTimer = undefined;
    living.caller = caller;
    living.belongsTo(user);
    this.#options.migration?.onTransport(living.session, caller.handed === true);
    this.listeners?.review(user.id);
    // Undefined when the new transport has come while the old one seemed to live.
    const awayMs = living.awaySince === undefined ? 0 : Math.round(this.#options.clock.now() - living.awaySince);
    this.#living.attach(living);
    this.#tell('resumed', living, { channels: living.session.channelCount, awayMs });
    this.calls?.onChange(user.id);
  }

  /** Its client may have another token by now: what runs does not have to end for it. */
  onExpired({ shortId, user, session }: LivingSession, isNews: boolean): void {
    if (isNews) this.#options.logger.info({ ...ofUser(user), session: shortId }, 'the token of a session has expired');
    if (session.attached) session.migrate();
  }

  onOver({ session }: LivingSession): void {
    session.close(TOKEN_EXPIRED, CloseCode.accessLost);
  }

  onClosed(living: LivingSession, reason: string): void {
    living.stop();
    this.#options.migration?.onOver(living.session);
    this.#living.remove(living);
    if (!this.#draining) this.#options.guard.accounts.endSession(living.user);
    this.#remember(living.id);
    const { session, totals, flows, listeners, began } = living;
    this.#tell('over', living, {
      reason,
      ...totals.figures,
      ...flows?.figures,
      ...listeners?.figures,
      resumes: session.figures.resumes,
      durationMs: Math.round(this.#options.clock.now() - began),
    });
    this.calls?.onChange(living.user.id);
    this.#onDrained?.();
  }

  /** The log, and the observers. */
  #tell(event: SessionEvent, { shortId, user, caller }: LivingSession, fields: object = {}): void {
    const { logger, observer } = this.#options;
    logger.info({ ...ofUser(user), session: shortId, ...caller, ...fields }, `session ${event}`);
    observer?.onSession?.(event, { user: user.id, id: shortId });
  }

  #present(user: User): User {
    const present = this.#presence(user);
    if (present === undefined) throw new ProtocolError(ACCESS_LOST, CloseCode.accessLost);
    return present;
  }

  /**
   * A new session takes the place of the user's one that has been without a transport for longest, if it has to: of those
   * with which nothing is lost, if there are any, or nothing but remote listeners, for which somebody may come meanwhile. Such are
   * those of which no client ever heard, since its greeting was cut.
   */
  #makeRoom(user: User, place: SessionPlace | undefined): void {
    if (this.#refusesSession(user, place) === undefined) return;
    const detached = this.#living.of(user.id).filter(({ session }) => !session.attached);
    detached.sort((a, b) => (a.awaySince ?? 0) - (b.awaySince ?? 0));
    const idle = detached.filter(({ session }) => session.isIdle);
    const replaced = idle.find(({ listeners }) => listeners?.isEmpty !== false) ?? idle[0] ?? detached[0];
    replaced?.session.close('a newer session took its place', CloseCode.sessionExpired);
    const limit = this.#refusesSession(user, place);
    if (limit === undefined) return;
    this.#options.guard.hit(limit, user.id, user.limits?.sessions);
    throw new ProtocolError(`too many sessions (${limit})`, CloseCode.tryAgainLater);
  }

  /** What stands against one more session of `user`, which has its place among those of all processes if that is undefined. */
  #refusesSession(user: User, place: SessionPlace | undefined): LimitName | undefined {
    const limit = this.#admission.refusesSession(user);
    if (limit !== undefined || place?.use() === true) return limit;
    return this.#options.guard.accounts.shareSessionNow(user)?.limit;
  }

  #find(id: string, user: User): LivingSession {
    const living = this.#living.get(id);
    if (living !== undefined && living.user.id === user.id) return living;
    if (this.#ended.has(id)) throw new ProtocolError('the session has expired', CloseCode.sessionExpired);
    throw unknownSession();
  }

  #remember(id: string): void {
    this.#ended.add(id);
    if (this.#ended.size <= REMEMBERED) return;
    const [oldest = id] = this.#ended;
    this.#ended.delete(oldest);
  }
}

export interface SessionRegistryOptions {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly logger: Logger;
  readonly onChannel: ChannelHandler;
  /** A session does not take a channel. */
  readonly onRefused?: RefusalHandler;
  /** Serves flows. Default: none are offered. */
  readonly flows?: FlowHandler | undefined;
  /** Serves remote listeners. Default: it listens for nobody. */
  readonly listeners?: ListenerDesk | undefined;
  /** Calls services of clients. Default: nobody does. */
  readonly calls?: RegistryCalls | undefined;
  readonly guard: Guard;
  /** How long a detached session is kept at most, ms; a client may ask for less. */
  readonly maxGrace: number;
  readonly observer?: ServerObserver;
  /** Where the sessions live, told to every client that can take it. Default: nobody is told. */
  readonly route?: string;
  /** Asks those home who come by another process. Default: nobody does. */
  readonly migration?: Migration;
  /** A user who was authenticated, with the rules of now; undefined for one who may not come in any more. Default: as authenticated. */
  readonly present?: (user: User) => User | undefined;
}

/** What is told of sessions to anyone who calls in them. */
type RegistryCalls = Pick<CallDesk, 'onChange' | 'retry'>;

/** Who it is, by which of several tokens. */
function ofUser({ id, tokenLabel }: User): object {
  return { user: id, ...(tokenLabel !== undefined && { tokenLabel }) };
}

function hex(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}
