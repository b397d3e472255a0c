import type { User } from '../users/user.js';

/**
 * Who has sent parts of transports that other processes have. Their senders need no judging anew, as those of parts of a transport that
 * is here: each keystroke may be a part, and an outage of what judges requests ends no transport.
 */
export class PartsElsewhere {
  /** Of one transport and credential each; the one that was used last is the last. */
  readonly #users = new Map<string, User>();

  userOf(key: string): User | undefined {
    const user = this.#users.get(key);
    if (user !== undefined) this.remember(key, user);
    return user;
  }

  /** One of them was handed on. */
  remember(key: string, user: User): void {
    this.#users.delete(key);
    this.#users.set(key, user);
    const [oldest = key] = this.#users.keys();
    if (this.#users.size > MOST) this.#users.delete(oldest);
  }
}

/** Anyone who is forgotten is judged anew. */
const MOST = 4_096;
