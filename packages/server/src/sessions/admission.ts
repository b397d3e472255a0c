import type { LimitName, Limits } from '../limits/limits.js';
import type { User } from '../users/user.js';

/**
 * Whether there is room for one more. A transport may be there to take over from one that seems to live, and cannot say
 * so before it is open: so there may be twice as many transports as sessions, and a HELLO is counted exactly.
 */
export class Admission {
  readonly #sessions: number;
  readonly #sessionsPerUser: number;
  readonly #living: () => Iterable<CountedSession>;
  /** Users whose transports have not said yet which session they are for. */
  readonly #greeting = new Map<object, string>();
  /** Users of connections that are open, those whose session has let go of them among them. */
  readonly #open = new Map<object, string>();

  constructor(limits: Pick<Limits, SessionLimit>, living: () => Iterable<CountedSession>) {
    this.#sessions = limits.sessions;
    this.#sessionsPerUser = limits.sessionsPerUser;
    this.#living = living;
  }

  /** A transport of `user` is open, and about to greet; returns what to call when it has, or never will. */
  greets(user: User): () => void {
    const transport = {};
    this.#greeting.set(transport, user.id);
    return () => this.#greeting.delete(transport);
  }

  /** A connection of `user` is open; returns what to call when it is closed, which a peer may put off for some seconds. */
  opened(user: User): () => void {
    const connection = {};
    this.#open.set(connection, user.id);
    return () => this.#open.delete(connection);
  }

  /** The limit that stands against one more transport of `user`; undefined when there is room. */
  refusesTransport(user: User): SessionLimit | undefined {
    const attached = [...this.#living()].filter(({ session }) => session.attached);
    const used = [...attached.map((entry) => entry.user.id), ...this.#greeting.values()];
    const open = [...this.#open.values()];
    const most = (count: (ids: string[]) => number) => Math.max(count(used), count(open));
    const own = most((ids) => ids.filter((id) => id === user.id).length);
    if (own >= 2 * this.#limitOf(user)) return 'sessionsPerUser';
    return most((ids) => ids.length) >= 2 * this.#sessions ? 'sessions' : undefined;
  }

  /** The same for one more session. */
  refusesSession(user: User): SessionLimit | undefined {
    const ids = [...this.#living()].map((entry) => entry.user.id);
    if (ids.filter((id) => id === user.id).length >= this.#limitOf(user)) return 'sessionsPerUser';
    return ids.length >= this.#sessions ? 'sessions' : undefined;
  }

  #limitOf(user: User): number {
    return user.limits?.sessions ?? this.#sessionsPerUser;
  }
}

/** What the admission has to know of a session. */
export interface CountedSession {
  readonly user: User;
  readonly session: { readonly attached: boolean };
}

/** Which limit is in the way. */
export type SessionLimit = Extract<LimitName, 'sessions' | 'sessionsPerUser'>;
