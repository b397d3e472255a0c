import type { FailureCode } from 'wsproxy-engine';
import type { ConnectorState, TunnelStatus } from 'wsproxy-engine/connector';
import type { Quota } from '../account/ask-quota.js';

/** A living channel. */
export interface ChannelStatus {
  /** Counted from 1 for the life of the client. */
  readonly id: number;
  /** `host:port` as the application named it; of a remote listener, where that leads; of a call, the service. */
  readonly target: string;
  /**
   * What the application speaks: `socks5`, `socks4`, `connect`, `http`, `forward`, `stdio`; `library`, the program itself;
   * `remote`: it has come to a remote listener; or `call`: the server has opened it to a service of the program.
   */
  readonly kind: string;
  /** Of `remote`: who has come, as the server says. */
  readonly peer?: string;
  /** Whether the target was dialled: by the server, or of `remote` and `call` by this client. */
  readonly open: boolean;
  /** Since it was asked for. */
  readonly ageMs: number;
  /** Payload bytes to the server. */
  readonly bytesUp: number;
  /** Payload bytes from the server. */
  readonly bytesDown: number;
}

/** A living flow: datagrams of one application, over UDP at both ends. */
export interface FlowStatus {
  /** Counted from 1 for the life of the client, apart from channels. */
  readonly id: number;
  /** `host:port` of its one peer; undefined when each datagram has its own. */
  readonly target: string | undefined;
  /** What the application speaks: `socks5-udp`, `forward-udp`, `connect-udp`; or `library`, or `remote`, as of a channel. */
  readonly kind: string;
  readonly peer?: string;
  /** Whether it was taken by the server, or of `remote` by this client. */
  readonly open: boolean;
  /** Since it was asked for. */
  readonly ageMs: number;
  /** Payload bytes to the server. */
  readonly bytesUp: number;
  /** Payload bytes from the server. */
  readonly bytesDown: number;
  /** The datagrams that have left for the server, and those that have come from it. */
  readonly datagramsUp: number;
  readonly datagramsDown: number;
  /** Those that have not left: too big, waited for too long, or too many. */
  readonly datagramsDropped: number;
}

/** Something that the server listens on for this client. */
export interface ListenerStatus {
  /** Counted from 1 for the life of the client. */
  readonly id: number;
  /** As it was asked for: `127.0.0.1:8000`, `[::1]:53/udp`, `unix:/run/x`, `http:example.org`. */
  readonly listen: string;
  /** Where the server listens, in the same words; undefined unless it does. */
  readonly address: string | undefined;
  /** Where connections go from here, `host:port`; `proxy` where they say so themselves; or `program`, this program itself. */
  readonly target: string;
  readonly state: ListenerState;
  /** For how long it has been in that state. */
  readonly sinceMs: number;
  /** Where it listens, or was asked for last; undefined before that. */
  readonly server: string | undefined;
  /** Why it does not listen; undefined while it does, and while nobody knows. */
  readonly failure: FailureCode | undefined;
  /** The same in words. */
  readonly reason: string | undefined;
  /** Connections, or peers of datagrams, that have come to it: those that live, and all of them. */
  readonly arrivals: number;
  readonly arrivalsSoFar: number;
}

/**
 * `asking`: the server was not asked yet, or has not answered. `standby`: another client of the same user listens there, and
 * this one will when that is over. `refused`: the server does not listen, and is asked again. `closed`: for good.
 */
export type ListenerState = 'asking' | 'listening' | 'standby' | 'refused' | 'closed';

/** A look at a client. Anyone who wants rates compares two of them. */
export interface ClientStatus extends TunnelStatus {
  /** Since the client was made. */
  readonly uptimeMs: number;
  /** Payload bytes of all channels and flows so far, those that are over included. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** As the server has told it, when it was asked last (`quota()`, or the status page); missing before that. */
  readonly quota?: Quota;
  /** Living channels, oldest first. */
  readonly channels: readonly ChannelStatus[];
  /** Living flows, oldest first. */
  readonly flows: readonly FlowStatus[];
  /** What servers listen on for this client, or are asked to; oldest first. */
  readonly listeners: readonly ListenerStatus[];
}

/** What has become of a channel. */
export interface ChannelChange extends ChannelStatus {
  /** `open`: the target was dialled. `over`: nothing can happen any more. */
  readonly change: 'open' | 'over';
  /** Why it could not be opened, or was reset; undefined unless it is over, and when both directions have ended. */
  readonly failure: FailureCode | undefined;
}

/** What has become of a flow. */
export interface FlowChange extends FlowStatus {
  /** `open`: it was taken. `over`: nothing can happen any more. */
  readonly change: 'open' | 'over';
  /** Why it is over: `TIMED_OUT` when it carried nothing for too long, `CANCELLED` when the application has ended it. */
  readonly failure: FailureCode | undefined;
}

/** What stands in the way of a connection. */
export interface ClientRetry {
  readonly server: string;
  readonly reason: string;
  readonly retryInMs: number;
  /** Whether there was a connection until now; otherwise a try has failed. */
  readonly wasConnected: boolean;
}

/** Told while it happens: a listener that throws harms the tunnel. */
export interface ClientEvents {
  state: [state: ConnectorState, previous: ConnectorState];
  /** `server` is not connected, and will be tried again after so many ms at the latest. */
  retry: [retry: ClientRetry];
  /** An application asked a local port for something that was refused there. */
  refused: [refused: { readonly reason: string }];
  /** Another server serves now. */
  server: [change: { readonly server: string; readonly former: string }];
  /** A session goes on with another connection to `server`; its channels have lost nothing. */
  resumed: [resumed: { readonly server: string }];
  channel: [channel: ChannelChange];
  flow: [flow: FlowChange];
  /** State, address or reason of a remote listener have changed. */
  listener: [listener: ListenerStatus];
}
