import type { IncomingMessage } from 'node:http';
import { wayOf } from 'wsproxy-node/transports';
import type { Accounts } from '../limits/accounts.js';
import type { User } from '../users/user.js';
import { SessionPlace } from './session-place.js';

/** Places for sessions that other processes were asked for before a transport is open. */
export class SessionPlaces {
  readonly #accounts: Pick<Accounts, 'shareSession' | 'endSession'>;
  readonly #kept = new WeakMap<IncomingMessage, KeptPlace>();

  constructor(accounts: Pick<Accounts, 'shareSession' | 'endSession'>) {
    this.#accounts = accounts;
  }

  /** `user` is about to open a transport by `request`. It may be for a session that is there: so it may come in, also where there is none. */
  async keep(user: User, request: IncomingMessage): Promise<void> {
    // It says that it resumes (PROTOCOL.md section 2), and has no use for one.
    if (request.headers['wsproxy-resume'] !== undefined) return;
    if ((await this.#accounts.shareSession(user)) !== undefined) return;
    const place = new SessionPlace(() => this.#accounts.endSession(user));
    const way = wayOf(request);
    if (way.destroyed) return place.release();
    const leave = (): void => place.leave();
    way.once('close', leave);
    // Another request may follow on the same connection.
    this.#kept.set(request, { place, forget: () => way.off('close', leave) });
  }

  /** That of the transport which `request` has opened; to be released when the transport is over. */
  take(request: IncomingMessage): SessionPlace | undefined {
    const kept = this.#kept.get(request);
    this.#kept.delete(request);
    kept?.forget();
    return kept?.place.take();
  }
}

interface KeptPlace {
  readonly place: SessionPlace;
  /** The end of its connection means nothing to it any more. */
  readonly forget: () => void;
}
