import type { Channel, OpenHandler } from 'wsproxy-engine';
import type { SessionOfListeners } from '../listeners/session-of-listeners.js';
import type { User } from '../users/user.js';

/** A session, as far as calls have to know it. */
export interface CalledSession {
  /** The first 8 hexadecimal characters of its id. */
  readonly shortId: string;
  /** Whose it is, with the rules of now. */
  readonly user: User;
  readonly session: {
    readonly attached: boolean;
    readonly channelCount: number;
    readonly terms: { has(capability: number): boolean };
    call(service: string, handler: OpenHandler): Channel;
  };
  /** Where what the server opens is entered: calls as well as what comes to remote listeners. */
  beginListeners(): Pick<SessionOfListeners, 'living' | 'onArrivalOver'>;
}
