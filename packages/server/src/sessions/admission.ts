import type { LimitName, Limits } from '../limits/limits.js';
import type { User } from '../users/user.js';

/**
 * Whether there is room for one more. A transport may be there to take over from one that seems to live, and cannot say
 * so before it is open; and a client opens one by each way where the first ones hang. So there may be more transports than sessions,
 * and a HELLO is counted exactly.
 */
export class Admission {
  readonly #sessions: number;
  readonly #sessionsPerUser: number;
  readonly #living: CountedSessions;
  /** Of transports that have not said yet which session they are for. */
  readonly #greeting = new UserCounts();
  /** Of connections that are open, those whose session has let go of them among them. */
  readonly #open = new UserCounts();

  #onGreeted: () => void = () => {};

  constructor(limits: Pick<Limits, SessionLimit>, living: CountedSessions) {
    this.#sessions = limits.sessions;
    this.#sessionsPerUser = limits.sessionsPerUser;
    this.#living = living;
  }

  /** A transport of `user` is open, and about to greet; returns what to call when it has, or never will. */
  greets(user: User): () => void {
    const leave = this.#greeting.add(user.id);
    return () => {
      leave();
      if (this.#greeting.size === 0) this.#onGreeted();
    };
  }

  /** Resolves when nobody is about to greet. */
  async greeted(): Promise<void> {
    if (this.#greeting.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onGreeted = resolve;
    });
  }

  /** A connection of `user` is open; returns what to call when it is closed, which a peer may put off for some seconds. */
  opened(user: User): () => void {
    return this.#open.add(user.id);
  }

  /** The limit that stands against one more transport of `user`; undefined when there is room. */
  refusesTransport(user: User): SessionLimit | undefined {
    const { attached } = this.#living;
    const theirs = this.#living.attachedOf(user.id);
    const own = Math.max(theirs + this.#greeting.of(user.id), this.#open.of(user.id));
    if (own >= transportsFor(this.#limitOf(user))) return 'sessionsPerUser';
    const all = Math.max(attached + this.#greeting.size, this.#open.size);
    return all >= transportsFor(this.#sessions) ? 'sessions' : undefined;
  }

  /** The same for one more session. */
  refusesSession(user: User): SessionLimit | undefined {
    if (this.#living.sizeOf(user.id) >= this.#limitOf(user)) return 'sessionsPerUser';
    return this.#living.size >= this.#sessions ? 'sessions' : undefined;
  }

  #limitOf(user: User): number {
    return user.limits?.sessions ?? this.#sessionsPerUser;
  }
}

/** So many transports may be there for so many sessions. */
function transportsFor(sessions: number): number {
  return sessions + Math.max(sessions, WAYS);
}

/** What a client may try side by side: a WebSocket, the same over HTTP/2, HTTP and HTTP polling. */
const WAYS = 4;

/** How many of something there are, in all and of each user. */
class UserCounts {
  size = 0;
  readonly #byUser = new Map<string, number>();

  of(userId: string): number {
    return this.#byUser.get(userId) ?? 0;
  }

  /** One more; returns what to call when it is gone, once or more often. */
  add(userId: string): () => void {
    let isThere = true;
    this.#change(userId, 1);
    return () => {
      if (isThere) this.#change(userId, -1);
      isThere = false;
    };
  }

  #change(userId: string, by: 1 | -1): void {
    const count = this.of(userId) + by;
    this.size += by;
    if (count === 0) this.#byUser.delete(userId);
    else this.#byUser.set(userId, count);
  }
}

/** How many sessions live, in all and of each user, and how many of them have a transport. */
export interface CountedSessions {
  readonly size: number;
  readonly attached: number;
  sizeOf(userId: string): number;
  attachedOf(userId: string): number;
}

/** Which limit is in the way. */
export type SessionLimit = Extract<LimitName, 'sessions' | 'sessionsPerUser'>;
