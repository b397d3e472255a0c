import type { Arrival, FailureCode } from 'wsproxy-engine';
import type { RelaySocket } from 'wsproxy-node/sockets';

/** Anyone who takes what comes for a name: one client of a user at a time, here or in another process. */
export interface NameOwner {
  /** Its client is that of another process, and nobody here hears when it has another one. */
  readonly isElsewhere?: true;
  /** How many connections may wait for its answer at a time. */
  readonly backlog: number;
  /** There is a way to its client at present. */
  readonly isAttached: boolean;
  /** A request waits for it, whose socket counts for its user until what is returned is called; undefined: there is no room. */
  beginVisit(): (() => void) | undefined;
  /** A connection for it, that is joined with a channel to its client from here on, or reset. */
  arrive(arrival: Arrival, stream: RelaySocket, events?: ArrivalEvents): void;
}

/** What becomes of an arrival, before any byte of an answer. */
export interface ArrivalEvents {
  /** The client has reached what it had to dial. */
  onOpen(): void;
  /** It has not, or was not asked. The stream is reset. */
  onFail(code: FailureCode): void;
}
