import type { Target } from 'wsproxy-engine';
import type { RelaySocket } from '../sockets/reset-socket.js';
import type { Asker } from './asker.js';
import type { Policy } from './policy.js';
import type { AttemptRoom } from './race/race.js';

/** A target that is to be reached, for whom, by which rules, and until when. */
export interface DialTask {
  readonly target: Target;
  readonly user: Asker;
  /** What may be dialled for it. Default: whatever the name leads to. */
  readonly rules?: Policy | undefined;
  /** Gives up: every attempt is destroyed, and the dial rejects with the reason, a TunnelError. */
  readonly signal: AbortSignal;
  /** For sockets beyond one, which the caller has a place for. Default: there is always room. */
  readonly room?: AttemptRoom | undefined;
}

/** What leads to a target, and the IP address it leads to, if that is known. */
export interface Dialed {
  readonly socket: RelaySocket;
  readonly address: string | undefined;
}
