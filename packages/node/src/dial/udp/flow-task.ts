import type { Peer, Target, TunnelError } from 'wsproxy-engine';
import type { Asker } from '../asker.js';
import type { Policy } from '../policy.js';

/** For whom a flow is served, by which rules, and what it may use. */
export interface FlowTask {
  readonly user: Asker;
  /** Whom all of its datagrams go to, no matter what the flow says of itself. Default: its own target. */
  readonly target?: Target;
  /** The rules of now: destinations are judged again when they are others than before. Undefined: none. */
  rules(): Policy | undefined;
  /** Nothing can pass at the moment, since the client is away. */
  isAway(): boolean;
  readonly room: FlowRoom;
  /** One of its destinations is denied, or was not found. */
  onDestinationFailed?(peer: Peer, error: TunnelError): void;
}

/** What a flow takes of what is there for all. `now` in ms. */
export interface FlowRoom {
  /** A place for one more socket, until `releaseSocket`. */
  takeSocket(): boolean;
  releaseSocket(): void;
  /** Whether it may begin to send to one more destination. */
  takeDestination(now: number): boolean;
  /** Memory for what waits, until `release`. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  /** Whether a datagram may pass now: then it is counted. */
  mayPass(direction: 'up' | 'down', bytes: number): boolean;
  /** A datagram has come from the network, no matter what becomes of it. */
  onReceived(now: number): void;
}
