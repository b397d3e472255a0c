import type { User } from '../users/user.js';
import type { Account } from './account.js';
import type { Found, Guard } from './guard.js';

/**
 * What one remote listener holds of what is there for all: a place among those of its user, and one among the sockets if it
 * has one of its own. What comes in by it has places like all other channels and flows.
 */
export class ListenerPlace {
  readonly #guard: Guard;
  readonly #user: User;
  readonly #account: Account;
  #hasSocket = false;

  private constructor(guard: Guard, user: User) {
    this.#guard = guard;
    this.#user = user;
    this.#account = guard.accounts.of(user);
    this.#account.listeners += 1;
  }

  /** A promise while other processes are asked; undefined when `user` has as many as they may: LIMIT_REACHED. `leave` has to follow. */
  static take(guard: Guard, user: User): Found<ListenerPlace> {
    const { accounts } = guard;
    const take = () => new ListenerPlace(guard, user);
    return guard.place(user, accounts.listenerLimit(user), () => accounts.shareListener(user), take);
  }

  /** False when there is no place for the socket that listens. */
  takeSocket(): boolean {
    this.#hasSocket = this.#guard.passes(this.#user, this.#guard.accounts.takeSocket(this.#account));
    return this.#hasSocket;
  }

  /** Its socket is closed, if it had one; it may take another. */
  releaseSocket(): void {
    if (this.#hasSocket) this.#guard.accounts.releaseSocket(this.#account);
    this.#hasSocket = false;
  }

  /** It is over, and its socket is closed. */
  leave(): void {
    this.#guard.accounts.endListener(this.#account);
    this.releaseSocket();
  }
}
