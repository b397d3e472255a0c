import type { Arrival } from 'wsproxy-node/transports';
import type { User } from '../users/user.js';
import type { Caller } from './caller.js';

/** Hands a request on to another process, if that has its session. */
export type HandOnRequest = (entrance: Entrance) => HandedOn | Promise<HandedOn>;

/** A request for a transport, or for a part of one, whose sender may come in. */
export interface Entrance {
  readonly arrival: Arrival;
  /** It belongs to a transport that is open already. */
  readonly isPart: boolean;
  readonly user: User;
  readonly caller: Caller;
  /** Its connection waits for its answer no more. */
  leaveDoor(): void;
}

/** It is to be answered here; or it was; or the process with this route, which may have its session, does not answer. */
export type HandedOn = 'here' | 'answered' | { readonly unanswered: string };
