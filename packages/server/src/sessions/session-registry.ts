import {
  acceptTransport,
  type Clock,
  CloseCode,
  type KeptSession,
  type Logger,
  type Loss,
  ProtocolError,
  Session,
  type SessionHost,
  type SlabPool,
  sessionName,
  type Timer,
  type Transport,
  unknownSession,
} from 'wsproxy-engine';
import type { ChannelHandler, RefusalHandler } from '../channels/channel-handler.js';
import type { Caller } from '../gateway/caller.js';
import { FloodLog } from '../limits/flood-log.js';
import type { Guard } from '../limits/guard.js';
import type { ServerObserver, SessionEvent } from '../observe/observer.js';
import type { User } from '../users/user.js';
import { Admission, type SessionLimit } from './admission.js';
import { ChannelTotals } from './channel-totals.js';
import { ExpiryWatch } from './expiry-watch.js';
import { describeSession, type SessionInfo } from './session-info.js';

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
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #presence: (user: User) => User | undefined;
  readonly #living = new Map<string, LivingSession>();
  /** Ids of sessions that ended, oldest first. */
  readonly #ended = new Set<string>();
  readonly #admission: Admission;
  readonly #rejections: FloodLog;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#presence = options.present ?? ((user) => user);
    const { clock, logger } = options;
    this.#rejections = new FloodLog((fields, message) => logger.info(fields, message), clock);
    this.#admission = new Admission(options.guard.limits, () => this.#living.values());
  }

  get size(): number {
    return this.#living.size;
  }

  /** Every living session, for people and metrics to read. */
  describe(): SessionInfo[] {
    const now = this.#options.clock.now();
    return [...this.#living.values()].map(({ session, user, shortId, caller, began }) => {
      const { remoteAddress, version } = caller;
      return describeSession(session, {
        ...{ user: user.id, tokenLabel: user.tokenLabel, id: shortId, remoteAddress, version },
        ageMs: Math.round(now - began),
      });
    });
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    let count = 0;
    for (const { session } of this.#living.values()) count += session.channelCount;
    return count;
  }

  /** The limit that stands against one more WebSocket of `user`; undefined when there is room. */
  refuses(user: User): SessionLimit | undefined {
    return this.#admission.refusesTransport(user);
  }

  /** A WebSocket of `user` is open; returns what to call when it is closed. It counts as long, whatever its session does. */
  onOpen(user: User): () => void {
    return this.#admission.opened(user);
  }

  /** Reads the greeting on a fresh transport, and gives it a session: a new one, or the one it resumes. */
  accept(transport: Transport, user: User, caller: Caller = {}): void {
    const { clock } = this.#options;
    const greeted = this.#admission.greets(user);
    const host: SessionHost<LivingSession> = {
      create: ({ id, secret, grace }) => {
        greeted();
        return this.#create(id, secret, grace, this.#present(user), caller);
      },
      find: ({ id }) => {
        greeted();
        return this.#find(hex(id), this.#present(user));
      },
      onResumed: (living) => this.#onResumed(living, this.#present(user), caller),
      onRejected: (reason) => {
        greeted();
        this.#rejections.write({ source: user.id }, { user: user.id, ...caller, reason }, 'refused a session');
      },
    };
    acceptTransport(transport, host, clock);
  }

  /**
   * Takes no more sessions, and no more channels from whoever can go elsewhere; resolves when the last channel is over and
   * its client has all of it, or after `deadline` ms, with the number of channels that are left. Whoever has nowhere to go,
   * since this server alone holds the port, is served until shortly before that.
   */
  drain(deadline: number): Promise<number> {
    const { clock } = this.#options;
    this.#draining = true;
    for (const { session } of this.#living.values()) session.announceDrain(deadline);
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        lastCall.cancel();
        this.#onIdle = undefined;
        resolve(this.channelCount);
      };
      const timer = clock.setTimer(finish, deadline);
      const rest = Math.min(deadline, LAST_CALL);
      const lastCall = clock.setTimer(() => {
        for (const { session } of this.#living.values()) session.drain(rest);
      }, deadline - rest);
      this.#onIdle = () => {
        if ([...this.#living.values()].every(({ session }) => session.isIdle)) finish();
      };
      this.#onIdle();
    });
  }

  /**
   * Ends the sessions of those who may not come in any more: their channels are reset, their clients told why. The others
   * go on with the rules of now.
   */
  endAbsent(): void {
    for (const living of this.#living.values()) {
      const present = this.#presence(living.user);
      if (present === undefined) living.session.close(ACCESS_LOST, CloseCode.accessLost);
      else this.#belongsTo(living, present);
    }
  }

  /** The same for the sessions of one user, who may come in again; returns their number. */
  endSessionsOf(userId: string): number {
    const theirs = [...this.#living.values()].filter(({ user }) => user.id === userId);
    for (const { session } of theirs) session.close(ACCESS_LOST, CloseCode.accessLost);
    return theirs.length;
  }

  /** Ends every session; the channels are reset. */
  close(): void {
    for (const { session } of this.#living.values()) session.leave('the server is stopping');
    this.#rejections.flush();
  }

  #create(key: Uint8Array, secret: Uint8Array, wishedGrace: number, user: User, caller: Caller): LivingSession {
    const id = hex(key);
    if (this.#draining) throw new ProtocolError('the server is draining', CloseCode.serviceRestart);
    if (this.#living.has(id)) throw new ProtocolError('a session with that id exists', CloseCode.protocolError);
    const { clock, memory, onChannel, onRefused, guard, maxGrace, observer } = this.#options;
    this.#makeRoom(user);
    const totals = new ChannelTotals(sessionName(key), caller.probe === true, guard.beginSession(user));
    const session = new Session({
      role: 'server',
      clock,
      memory,
      onChannel: (channel) => onChannel(channel, this.#present(living.user), totals),
      maxChannels: guard.limits.channelsPerSession,
      onRefused: (channel, code) => onRefused?.(channel, living.user, totals, code),
      onDetached: (loss) => this.#onDetached(living, loss),
      onRoundTrip: observer && ((time) => observer.onRoundTrip?.(time)),
      onIdle: () => this.#onIdle?.(),
      processBudgets: guard.memoryOf(user),
      replayPace: guard.replayPaceOf(user),
      onClosed: (reason) => this.#onClosed(living, reason),
    });
    const living: LivingSession = {
      id,
      shortId: totals.id,
      session,
      totals,
      secret,
      attempt: 0,
      grace: Math.min(wishedGrace, maxGrace),
      user,
      graceTimer: undefined,
      awaySince: undefined,
      began: clock.now(),
      caller,
      expiry: new ExpiryWatch(clock, {
        onExpired: (isNews) => this.#onExpired(living, isNews),
        onOver: () => session.close(TOKEN_EXPIRED, CloseCode.accessLost),
      }),
    };
    this.#living.set(id, living);
    this.#tell('began', living);
    this.#belongsTo(living, user);
    return living;
  }

  #onDetached(living: LivingSession, loss: Loss): void {
    const { clock } = this.#options;
    const { session, grace } = living;
    this.#tell('detached', living, { ...loss, channels: session.channelCount });
    living.awaySince = clock.now();
    living.graceTimer?.cancel();
    living.graceTimer = clock.setTimer(() => {
      if (!session.attached) session.close('expired', CloseCode.sessionExpired);
    }, grace);
  }

  /** With the rules of now, and from where its client comes now. */
  #onResumed(living: LivingSession, user: User, caller: Caller): void {
    living.graceTimer?.cancel();
    living.caller = caller;
    this.#belongsTo(living, user);
    // Undefined when the new transport has come while the old one seemed to live.
    const awayMs = living.awaySince === undefined ? 0 : Math.round(this.#options.clock.now() - living.awaySince);
    living.awaySince = undefined;
    this.#tell('resumed', living, { channels: living.session.channelCount, awayMs });
  }

  #belongsTo(living: LivingSession, user: User): void {
    living.user = user;
    living.expiry.watch(user.tokenExpires);
  }

  /** Its client may have another token by now: what runs does not have to end for it. */
  #onExpired({ shortId, user, session }: LivingSession, isNews: boolean): void {
    if (isNews) this.#options.logger.info({ ...ofUser(user), session: shortId }, 'the token of a session has expired');
    if (session.attached) session.migrate();
  }

  #onClosed(living: LivingSession, reason: string): void {
    living.graceTimer?.cancel();
    living.expiry.stop();
    this.#living.delete(living.id);
    this.#remember(living.id);
    const { session, totals, began } = living;
    this.#tell('over', living, {
      reason,
      ...totals.figures,
      resumes: session.figures.resumes,
      durationMs: Math.round(this.#options.clock.now() - began),
    });
    this.#onIdle?.();
  }

  /** The log, and whoever observes. */
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
   * with which nothing is lost, if there are any. Such are those of which no client ever heard, since its greeting was cut.
   */
  #makeRoom(user: User): void {
    if (this.#admission.refusesSession(user) === undefined) return;
    const detached = [...this.#living.values()].filter((other) => other.user.id === user.id && !other.session.attached);
    detached.sort((a, b) => (a.awaySince ?? 0) - (b.awaySince ?? 0));
    const replaced = detached.find(({ session }) => session.isIdle) ?? detached[0];
    replaced?.session.close('a newer session took its place', CloseCode.sessionExpired);
    const limit = this.#admission.refusesSession(user);
    if (limit === undefined) return;
    this.#options.guard.hit(limit, user.id, user.limits?.sessions);
    throw new ProtocolError(`too many sessions (${limit})`, CloseCode.tryAgainLater);
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
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }
}

export interface SessionRegistryOptions {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly logger: Logger;
  readonly onChannel: ChannelHandler;
  /** A session does not take a channel. */
  readonly onRefused?: RefusalHandler;
  readonly guard: Guard;
  /** How long a detached session is kept at most, ms; a client may ask for less. */
  readonly maxGrace: number;
  readonly observer?: ServerObserver;
  /** A user who was authenticated, with the rules of now; undefined for one who may not come in any more. Default: as authenticated. */
  readonly present?: (user: User) => User | undefined;
}

interface LivingSession extends KeptSession {
  readonly id: string;
  /** What people see of it: enough to tell sessions apart. */
  readonly shortId: string;
  readonly totals: ChannelTotals;
  /** As authenticated last. */
  user: User;
  graceTimer: Timer | undefined;
  /** Since when its client is away, by the clock; undefined while it is there. */
  awaySince: number | undefined;
  /** When it began, by the clock. */
  readonly began: number;
  /** Who its present transport comes from, or the last one did. */
  caller: Caller;
  /** Of the token that its client came with last. */
  readonly expiry: ExpiryWatch;
}

/** Who it is, by which of several tokens. */
function ofUser({ id, tokenLabel }: User): object {
  return { user: id, ...(tokenLabel !== undefined && { tokenLabel }) };
}

function hex(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}
