import type { Carried, OfferedListener } from 'wsproxy-engine';
import { ListenerName } from 'wsproxy-test-support/engine/listener-name';
import type { ListenerDesk } from '../../packages/server/src/listeners/listener-table.js';
import type { SessionOfListeners } from '../../packages/server/src/listeners/session-of-listeners.js';

/** What one process of a server listens on for the client: one name. What comes there is for the simulation to say. */
export class SimListeners implements ListenerDesk {
  readonly name = new ListenerName<SessionOfListeners['session']>();
  #isClosed = false;

  serve(listener: OfferedListener, { session }: SessionOfListeners): Promise<void> {
    if (this.#isClosed) listener.refuse('GOING_AWAY');
    else this.name.ask({ session, listener });
    return Promise.resolve();
  }

  adopt(unsent: readonly Carried[]): void {
    this.name.adopt(unsent);
  }

  review(): void {}

  close(): void {
    this.#isClosed = true;
    this.name.owner?.listener.close('GOING_AWAY');
  }
}
