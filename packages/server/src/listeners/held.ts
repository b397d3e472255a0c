import type { Arrival, FailureCode, ListenKind, OpenHandler, Peer } from 'wsproxy-engine';
import type { PeerFlow } from 'wsproxy-node/accept/ports';
import type { RelaySocket } from 'wsproxy-node/sockets';
import type { ListenPlace } from './rules/listen-place.js';

/** What a server can listen by. */
export interface Holds extends Partial<Record<ListenKind, Hold>> {
  /**
   * Takes what another process of this server has held for the same listener, if that is at `wanted`, or at another port where any
   * will do. Default: there is no other process.
   */
  inherit?: (wanted: ListenPlace, anyPort: boolean, arrivals: Arrivals) => Promise<Held | undefined>;
}

/** Takes a place for a remote listener. Rejects with the system's error, or a TunnelError, when it cannot be had. */
export type Hold<A = Arrivals> = (place: ListenPlace, arrivals: A) => Promise<Held>;

/** What is held for a remote listener, no matter which session has it: a port, a path or a name. */
export interface Held {
  /** Where that is. `port` 0, and a path or a name, where there are no ports. */
  readonly address: Peer;
  /** Another session has the listener from now on. */
  onMoved?(): void;
  /**
   * Nothing comes from now on, and somebody else may have the place, at once or when what is returned resolves; what has come goes on.
   * `isTakenOver`: another process of this server is about to take it, and it stays open until then, where it can.
   */
  close(isTakenOver?: boolean): unknown;
}

/** Anyone who has a remote listener, as what is held for it sees them. */
export interface Arrivals {
  /** Whose it is. */
  readonly userId: string;
  /** What tells its listener from all others, of any process. */
  readonly key: string;
  /** It may have what another process holds for the same listener. */
  readonly takesOver: boolean;
  /** How many connections may wait for the client's answer at a time. */
  readonly backlog: number;
  /** Somebody has the listener, and it listens. */
  readonly isServed: boolean;
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
  /** Another process of this server has what was held. */
  onLost(): void;
}

/** What becomes of a connection, before any byte of an answer. */
export interface ArrivalEvents {
  /** The client has taken it. */
  onOpen(): void;
  /** It has not, or was not asked. */
  onFail(code: FailureCode): void;
}
