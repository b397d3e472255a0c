import type { FailureCode } from '../failures.js';
import type { Target } from '../target.js';

/** Whom a datagram is for, or from. */
export interface Peer {
  /** An address literal in its canonical spelling (RFC 5952 for IPv6), or a name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Datagrams between one application and its peers, inside a session: lost with a transport, never doubled, never sent again. */
export interface Flow {
  /** Its number in the session that carries it; channels and flows share them. 0 until it is known that the peer takes flows. */
  readonly id: number;
  /** Its one peer; undefined: each datagram names its own. */
  readonly target: Target | undefined;
  readonly state: Readonly<FlowState>;
  /** What it has carried so far; a copy. */
  readonly figures: FlowFigures;
  /** From here on `sink` takes what the flow brings. The first few KiB of what comes before wait for that, the rest is dropped. */
  start(sink: FlowSink): void;
  /** Queues a copy of one datagram, or drops it: nobody is told but `figures`. `peer`: where there is no target, and only there. */
  send(data: Uint8Array, peer?: Peer): void;
  /** Ends it, here and at the peer. What waits is dropped. CANCELLED unless told. */
  close(code?: FailureCode): void;
  /** Calls `listener` once, when nothing can happen on the flow any more: at once if that is so. */
  onOver(listener: () => void): void;
}

/** A flow that the peer has opened, and that waits for our answer: one of `accept` and `refuse`. What is sent before waits for it. */
export interface OfferedFlow extends Flow {
  accept(): void;
  refuse(code: FailureCode): void;
  /** Calls `listener` when the peer, or the loss of the session, ends the flow before it was answered. */
  onAbandoned(listener: () => void): void;
}

/** Takes what a flow brings. Set with `Flow.start(sink)`. */
export interface FlowSink {
  /** The bytes are valid until this returns. `from`: undefined for a flow with one peer. */
  onDatagram(data: Uint8Array, from: Peer | undefined): void;
}

/** How the opening stands, as of a channel; and whether the flow is over. */
export interface FlowState {
  readonly opening: 'requested' | 'offered' | 'open';
  readonly dead: boolean;
}

export interface FlowFigures {
  /** Time since it was asked for, ms. */
  readonly age: number;
  /** Datagrams that have left by a transport, and those that came by one; with them what they carried, bytes. */
  readonly datagramsSent: number;
  readonly datagramsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly datagramsDropped: FlowDrops;
  /** Why it could not be opened, or is over; undefined while it lives. */
  readonly failure: FailureCode | undefined;
}

/** Datagrams that this end has dropped, by the reason. */
export interface FlowDrops {
  /** Longer than a frame, with the peer's address. */
  readonly tooBig: number;
  /** For no peer, or none that there can be. */
  readonly unaddressed: number;
  /** No room was left for what waits. */
  readonly full: number;
  /** It had waited for too long. */
  readonly late: number;
}
