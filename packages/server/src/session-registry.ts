import {
  acceptTransport,
  type Channel,
  type Clock,
  CloseCode,
  type KeptSession,
  type Logger,
  MemoryBudget,
  type ProcessBudgets,
  ProtocolError,
  Session,
  type Timer,
  type Transport,
  unknownSession,
} from 'wsproxy-protocol';
import type { User } from './authenticate.js';

export interface SessionRegistryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChannel: (channel: Channel, user: User) => void;
  /** How long a detached session is kept at most, ms; a client may ask for less. */
  readonly maxGrace: number;
  /** What all sessions may hold together, half for what they receive, half for what they may send again; bytes. */
  readonly processMemory: number;
}

interface Entry extends KeptSession {
  readonly user: User;
  graceTimer: Timer | undefined;
}

/** How many ended sessions are remembered, to tell "expired" from "unknown". */
const REMEMBERED = 1_000;

/** Every living session, by its id; a detached one is kept for its grace. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #entries = new Map<string, Entry>();
  /** Ids of sessions that ended, oldest first. */
  readonly #ended = new Set<string>();
  readonly #budgets: ProcessBudgets;
  #draining = false;
  #onIdle: (() => void) | undefined;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#budgets = {
      windows: new MemoryBudget(options.processMemory / 2),
      replay: new MemoryBudget(options.processMemory / 2),
    };
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    let count = 0;
    for (const { session } of this.#entries.values()) count += session.channelCount;
    return count;
  }

  /** Reads the greeting on a fresh transport, and gives it a session: a new one, or the one it resumes. */
  accept(transport: Transport, user: User): void {
    const { clock, logger } = this.#options;
    const host = {
      create: ({ id, secret, grace }: { id: Buffer; secret: Buffer; grace: number }) =>
        this.#create(id.toString('hex'), secret, grace, user),
      find: ({ id }: { id: Buffer }) => this.#find(id.toString('hex'), user),
      onRejected: (reason: string) => logger.info({ user: user.id, reason }, 'transport rejected'),
    };
    acceptTransport(transport, host, clock);
  }

  /**
   * Takes no more sessions and channels; resolves when the last channel is over and its client has all of it, or after
   * `deadline` ms, with the number of channels that are left.
   */
  drain(deadline: number): Promise<number> {
    this.#draining = true;
    for (const { session } of this.#entries.values()) session.drain(deadline);
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#onIdle = undefined;
        resolve(this.channelCount);
      };
      const timer = this.#options.clock.setTimer(finish, deadline);
      this.#onIdle = () => {
        if ([...this.#entries.values()].every(({ session }) => session.isIdle)) finish();
      };
      this.#onIdle();
    });
  }

  /** Ends every session; the channels are reset. */
  close(): void {
    for (const { session } of this.#entries.values()) session.leave('the server is stopping');
  }

  #create(id: string, secret: Buffer, wishedGrace: number, user: User): KeptSession {
    if (this.#draining) throw new ProtocolError('the server is draining', CloseCode.serviceRestart);
    if (this.#entries.has(id)) throw new ProtocolError('a session with that id exists', CloseCode.protocolError);
    const { clock, logger, onChannel, maxGrace } = this.#options;
    const log = { user: user.id, session: id.slice(0, 8) };
    const session = new Session({
      role: 'server',
      clock,
      onChannel: (channel) => onChannel(channel, user),
      onDetached: (loss) => {
        logger.info({ ...log, ...loss, channels: session.channelCount }, 'session detached');
        entry.graceTimer?.cancel();
        entry.graceTimer = clock.setTimer(() => {
          if (!session.attached) session.close('expired', CloseCode.sessionExpired);
        }, entry.grace);
      },
      onIdle: () => this.#onIdle?.(),
      processBudgets: this.#budgets,
      onClosed: (reason) => {
        logger.info({ ...log, reason }, 'session ended');
        this.#forget(id, entry);
        this.#onIdle?.();
      },
    });
    const grace = Math.min(wishedGrace, maxGrace);
    const entry: Entry = { session, secret, attempt: 0, grace, user, graceTimer: undefined };
    this.#entries.set(id, entry);
    logger.info(log, 'session began');
    return entry;
  }

  #find(id: string, user: User): KeptSession {
    const entry = this.#entries.get(id);
    if (entry !== undefined && entry.user.id === user.id) return entry;
    if (this.#ended.has(id)) throw new ProtocolError('the session has expired', CloseCode.sessionExpired);
    throw unknownSession();
  }

  #forget(id: string, entry: Entry): void {
    entry.graceTimer?.cancel();
    this.#entries.delete(id);
    this.#ended.add(id);
    if (this.#ended.size <= REMEMBERED) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }
}
