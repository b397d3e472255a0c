import type { FailureCode } from 'wsproxy-engine';
import type { Quota } from '../account/ask-quota.js';
import type { ConnectorState, TunnelStatus } from './connector.js';

/** A living channel. */
export interface ChannelStatus {
  /** Counted from 1 for the life of the client. */
  readonly id: number;
  /** `host:port` as the application named it. */
  readonly target: string;
  /** What the application speaks: `socks5`, `socks4`, `connect`, `http`, `forward`, `stdio`; or `library`, the program itself. */
  readonly kind: string;
  /** Whether the server has dialled it. */
  readonly open: boolean;
  /** Since it was asked for. */
  readonly ageMs: number;
  /** Payload bytes to the destination. */
  readonly bytesUp: number;
  /** Payload bytes from the destination. */
  readonly bytesDown: number;
}

/** A look at a client. Whoever wants rates compares two of them. */
export interface ClientStatus extends TunnelStatus {
  /** Since the client was made. */
  readonly uptimeMs: number;
  /** Payload bytes of all channels so far, those that are over included. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** As the server has told it, when it was asked last (`quota()`, or the status page); missing before that. */
  readonly quota?: Quota;
  /** Living channels, oldest first. */
  readonly channels: readonly ChannelStatus[];
}

/** What has become of a channel. */
export interface ChannelChange extends ChannelStatus {
  /** `open`: the server has dialled the target. `over`: nothing can happen any more. */
  readonly change: 'open' | 'over';
  /** Why it could not be opened, or was reset; undefined unless it is over, and when both directions have ended. */
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
}
