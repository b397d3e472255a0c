import type { Arrival, FailureCode, OpenHandler, Peer } from 'wsproxy-engine';
import type { PeerFlow } from 'wsproxy-node/accept/ports';
import type { RelaySocket } from 'wsproxy-node/sockets';
import type { ListenPlace } from './rules/listen-place.js';

/** Takes a place for a remote listener. Rejects with the system's error, or a TunnelError, when it cannot be had. */
export type Hold = (place: ListenPlace, arrivals: Arrivals) => Promise<Held>;

/** What is held for a remote listener, whichever session has it: a port, a path or a name. */
export interface Held {
  /** Where that is. `port` 0, and a path or a name, where there are no ports. */
  readonly address: Peer;
  /** Another session has the listener from now on. */
  onMoved?(): void;
  /** Nothing comes from now on, and somebody else may have the place; what has come goes on. */
  close(): void;
}

/** Whoever has a remote listener, as what is held for it sees them. */
export interface Arrivals {
  /** Whose it is. */
  readonly userId: string;
  /** How many connections may wait for the client's answer at a time. */
  readonly backlog: number;
  /** There is a way to the client at present. */
  readonly isAttached: boolean;
  /**
   * Somebody has come whose socket is held elsewhere: it counts for the user until what is returned is called. Undefined: the
   * user has as many as they may.
   */
  beginVisit(): (() => void) | undefined;
  /** A connection has come: from here on it is joined with a channel to the client, or it is reset. */
  arrive(arrival: Arrival, socket: RelaySocket, events?: ArrivalEvents): void;
  /** A datagram has come from somebody who has no flow yet; undefined: it is dropped. */
  meet(arrival: Arrival, handler: OpenHandler): PeerFlow | undefined;
}

/** What becomes of a connection, before any byte of an answer. */
export interface ArrivalEvents {
  /** The client has taken it. */
  onOpen(): void;
  /** It has not, or was not asked. */
  onFail(code: FailureCode): void;
}
