import type { OpenedArrival } from '../observe/observer.js';

/** A living connection to a remote listener, for people and metrics to read. */
export interface ArrivalInfo extends Pick<OpenedArrival, 'listener' | 'peer'> {
  /** Whether the client has taken it. */
  readonly open: boolean;
  /** Since its coming. */
  readonly ageMs: number;
  /** Payload bytes from the client to the one who has connected. */
  readonly bytesUp: number;
  /** Payload bytes from the one who has connected to the client. */
  readonly bytesDown: number;
  readonly windowStalls: number;
}
