import type { OfferedChannel } from '../channel/channel.js';
import type { FlowState, OfferedFlow, Peer } from '../datagram/flow.js';
import type { FailureCode } from '../failures.js';
import type { Arrival, ListenRequest } from '../frame/listen.js';

/** Something that the server listens on for a client, inside a session. */
export interface RemoteListener {
  /** Its number in the session, of those that channels have. 0 until it is known that the peer listens for others. */
  readonly id: number;
  readonly request: ListenRequest;
  /** How it stands: `open` once it listens. It may be `requested` for long, while it stands in line. */
  readonly state: Readonly<FlowState>;
  readonly figures: ListenerFigures;
  /** Ends it, here and at the peer. What has arrived and is not on its way yet is refused; the channels there are live on. CANCELLED unless told. */
  close(code?: FailureCode): void;
  /** The same without a loss: the server listens no more, and it is over when what has arrived before was told. */
  end(): void;
  /** Calls `listener` once, when it is over: at once if that is so. */
  onOver(listener: () => void): void;
}

/** A listener that the peer has asked for, and that waits for our answer: one of `accept` and `refuse`. */
export interface OfferedListener extends Omit<RemoteListener, 'end'> {
  /** It listens: there. `port` 0, and a path or a host name, where there are no ports. */
  accept(address: Peer): void;
  refuse(code: FailureCode): void;
  /** Calls `listener` when the peer, or the loss of the session, ends it before it was answered. */
  onAbandoned(listener: () => void): void;
}

/** Told what becomes of a remote listener by the one who has asked for it. Nothing follows `onFail` and `onOver`. */
export interface ListenHandler {
  /** The server listens: there. `port` 0, and a path or a host name, where there are no ports. */
  onListening(address: Peer): void;
  /** It was refused, or the session was lost before it was answered. */
  onFail(code: FailureCode): void;
  /** It had listened, and does so no more; channels that it has brought live on, unless their session is lost. */
  onOver(code: FailureCode): void;
  /** Answer with `accept` or `refuse`, as anything that the client dials for it answers. */
  onChannel(channel: OfferedChannel, arrival: Arrival): void;
  /** The same for one peer of a listener for datagrams (`udp`). */
  onFlow(flow: OfferedFlow, arrival: Arrival): void;
}

export interface ListenerFigures {
  /** Time since it was asked for, ms. */
  readonly age: number;
  /** Why it could not listen, or is over; undefined while it lives. */
  readonly failure: FailureCode | undefined;
}
