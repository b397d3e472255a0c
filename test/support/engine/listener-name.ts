import type { OfferedListener } from '../../../packages/engine/src/listen/listener.js';
import type { Carried } from '../../../packages/engine/src/session/carried.js';
import type { Session } from '../../../packages/engine/src/session/session.js';

/** What is asked of a session. */
export type ArrivingSession = Pick<Session, 'openIncoming' | 'openIncomingFlow' | 'releaseIncoming' | 'adoptIncoming'>;

/** A session of the server, and a listener that was asked for in it. */
export interface Holding<S extends ArrivingSession> {
  readonly session: S;
  readonly listener: OfferedListener;
}

/** Who has one name of one user, and who stands in line for it: what a server does, as short as can be. */
export class ListenerName<S extends ArrivingSession> {
  owner: Holding<S> | undefined;
  /** Arrivals that have gone over to another session. */
  moved = 0;
  readonly #line: Holding<S>[] = [];
  ask(holding: Holding<S>): void {
    const former = this.owner;
    holding.listener.onOver(() => this.#leave(holding));
    if (former === undefined) return this.#own(holding);
    if (!holding.listener.request.takesOver) return void this.#line.push(holding);
    const waiting = former.session.releaseIncoming(former.listener);
    this.#own(holding);
    former.listener.close('TAKEN_OVER');
    this.adopt(waiting);
  }

  /** What a session has let go of, or has not sent before its end. */
  adopt(waiting: readonly Carried[]): void {
    const { owner } = this;
    if (owner === undefined) return;
    for (const one of waiting) {
      this.moved += 1;
      owner.session.adoptIncoming(one, owner.listener);
    }
  }

  #own(holding: Holding<S>): void {
    this.owner = holding;
    holding.listener.accept({ host: '127.0.0.1', port: 8_080 });
  }

  #leave(holding: Holding<S>): void {
    const place = this.#line.indexOf(holding);
    if (place >= 0) this.#line.splice(place, 1);
    if (this.owner !== holding) return;
    this.owner = undefined;
    const next = this.#line.shift();
    if (next !== undefined) this.#own(next);
  }
}
