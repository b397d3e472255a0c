import type { Target } from 'wsproxy-engine';
import type { RelaySocket } from '../sockets/reset-socket.js';
import type { Protocol } from '../targets/destination-rule.js';
import type { Asker } from './asker.js';
import type { Policy } from './policy.js';
import type { GiveUpSignal } from './race/on-abort.js';
import type { AttemptRoom } from './race/race.js';

/** A target that is to be reached, for whom, by which rules, and until when. */
export interface DialTask {
  readonly target: Target;
  readonly user: Asker;
  /** By which it will be spoken to; default TCP. */
  readonly protocol?: Protocol;
  /** What may be dialled for it. Default: anything that the name leads to. */
  readonly rules?: Policy | undefined;
  /** Gives up: every attempt is destroyed, and the dial rejects with the reason, a TunnelError. */
  readonly signal: GiveUpSignal;
  /** Default: there is always room. */
  readonly room?: DialRoom | undefined;
}

/** What a dial may take: sockets beyond one, which the caller has a place for, and a local port. */
export interface DialRoom extends AttemptRoom {
  /** Whether there is one more towards `endpoint`: the address and port that a socket is to be connected to, as one word. */
  hasPort(endpoint: string): boolean;
}

/** What leads to a target, and the IP address it leads to, if that is known. */
export interface Dialed {
  readonly socket: RelaySocket;
  readonly address: string | undefined;
  /** What the socket itself is connected to, as in `DialRoom`; undefined where that is not known. */
  readonly endpoint?: string | undefined;
}
