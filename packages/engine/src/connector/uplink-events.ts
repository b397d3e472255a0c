import type { Carried } from '../session/carried.js';
import type { ConnectError } from './connect-error.js';
import type { Retry } from './phases.js';

/** What becomes of an uplink. The parameter is its class, which takes these. */
export interface UplinkEvents<Uplink> {
  onState(uplink: Uplink): void;
  /** Its server is not connected, and is tried after a pause, by this or another one in its place. Told before `onState`. */
  onRetry(uplink: Uplink, retry: Retry): void;
  /** The session goes on with another transport. */
  onResumed(uplink: Uplink): void;
  /** Trying again is of no use as things are; the uplink tries nevertheless, unless it is closed now. */
  onRefused(uplink: Uplink, error: ConnectError): void;
  /** The server could not be reached, or did not answer; it will be tried again. */
  onUnreachable(uplink: Uplink): void;
  /** Is about to end, or to run out of numbers: new channels should go elsewhere; those it has live on. */
  onDraining(uplink: Uplink): void;
  /** The server has not dialled these, and will not: another uplink may adopt them. */
  onUndialled(uplink: Uplink, channels: readonly Carried[]): void;
  /** The server has not begun the session, and has dialled nothing of it: another uplink may adopt what `release` gives. */
  onTurnedAway(uplink: Uplink): void;
  /** No channel lives on it any more, and the server has had all that was sent. */
  onIdle(uplink: Uplink): void;
  /** The session is over, the channels are reset; another uplink may begin, and adopt those in `unsent`. */
  onEnded(uplink: Uplink, unsent: readonly Carried[]): void;
}
