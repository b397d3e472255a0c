import type { Arrival, Carried, Channel, FailureCode, Flow, OfferedListener, OpenHandler } from 'wsproxy-engine';
import type { FlowInfo } from '../flows/flow-info.js';
import type { RateBucket } from '../limits/rate-bucket.js';
import type { ArrivalRecord, FlowRecord } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { ArrivalInfo } from './arrival-info.js';
import type { ListenerInfo } from './listener-info.js';

/** A session, as far as its remote listeners have to know it. */
export interface SessionOfListeners {
  /** The first 8 hexadecimal characters of its id. */
  readonly id: string;
  /** Whose it is, with the rules of now. */
  readonly user: User;
  readonly session: ArrivingSession;
  /** How many more may begin to send datagrams to its listeners. */
  readonly newPeers: RateBucket;
  /** Connections that have come by its listeners, and live. */
  readonly living: Set<LivingArrival>;
  /** Who sends datagrams to them, and is not silent yet. */
  readonly peers: Set<LivingPeer>;
  onListenerAsked(listener: LivingListener): void;
  /** Also for one that was refused. */
  onListenerOver(listener: LivingListener): void;
  /** What has come by one of them is over. */
  onArrivalOver(record: ArrivalRecord | FlowRecord): void;
}

/** What arrivals ask of a session of the engine. */
export interface ArrivingSession {
  readonly attached: boolean;
  readonly channelCount: number;
  readonly flowCount: number;
  /** What was opened, and the client has not answered. */
  readonly unanswered: readonly Carried[];
  openIncoming(listener: OfferedListener, arrival: Arrival, handler: OpenHandler): Channel;
  openIncomingFlow(listener: OfferedListener, arrival: Arrival, handler: OpenHandler): Flow;
  releaseIncoming(listener: OfferedListener): readonly Carried[];
  adoptIncoming(one: Carried, listener: OfferedListener): void;
  giveUp(which: readonly Carried[], code: FailureCode): void;
}

/** A remote listener, as far as its session has to know it. */
export interface LivingListener {
  readonly info: ListenerInfo;
  onAway(): void;
}

/** A connection to a remote listener, in the same way. */
export interface LivingArrival {
  readonly info: ArrivalInfo;
}

/** One who sends datagrams to a remote listener, in the same way. */
export interface LivingPeer {
  readonly info: FlowInfo;
}
