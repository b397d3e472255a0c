/** What a client tells its page: both ends compile against this, which is types alone. A field that is missing is not known. */
export interface News {
  /** It stands for itself; otherwise it tells what has changed. */
  readonly whole: boolean;
  /** `host:port`, with the whole only. */
  readonly proxy?: string | undefined;
  /** Whether there is a page of what passes, with the whole only. */
  readonly inspects?: boolean | undefined;
  readonly figures: Figures;
  /** Channels that are new or have changed, and the numbers of those that are not shown any more. */
  readonly channels: readonly Channel[];
  readonly gone: readonly number[];
  /** The same of flows. */
  readonly flows: readonly Flow[];
  readonly goneFlows: readonly number[];
  /** New, or told again because they have changed; oldest first. */
  readonly events: readonly TunnelEvent[];
  readonly ended: readonly EndedChannel[];
  /** Points of the history that are new. */
  readonly seconds: readonly Point[];
  readonly tens: readonly Point[];
}

/** Times in ms, rates in bytes a second. */
export interface Figures {
  readonly version: string;
  readonly uptimeMs: number;
  readonly clockMs: number;
  readonly state: string;
  readonly sinceMs: number;
  readonly server: string;
  readonly reason?: string | undefined;
  readonly nextTryMs?: number | undefined;
  readonly failedTries: number;
  readonly servers: readonly Server[];
  readonly listeners: readonly Listener[];
  readonly way?: { readonly name: string; readonly sinceMs: number; readonly reason?: string | undefined } | undefined;
  readonly roundTripMs?: number | undefined;
  readonly resumes: number;
  readonly stranded: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly rateUp: number;
  readonly rateDown: number;
  readonly channelCount: number;
  readonly idleCount: number;
  readonly flowCount: number;
  /** What may be carried in a month, and when counting begins anew. */
  readonly quota?: { readonly bytes: number; readonly limit?: number | undefined; readonly endsAt: string } | undefined;
}

export interface Server {
  readonly server: string;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly nextTryMs?: number | undefined;
}

/** What a server listens on for the client, or is asked to. */
export interface Listener {
  readonly id: number;
  /** As it was asked for, and where the server listens. */
  readonly listen: string;
  readonly address?: string | undefined;
  /** `host:port`, `proxy` or `program`. */
  readonly target: string;
  readonly state: string;
  readonly sinceMs: number;
  readonly server?: string | undefined;
  readonly reason?: string | undefined;
  /** Connections that live, and all that have come. */
  readonly arrivals: number;
  readonly arrivalsSoFar: number;
}

/** A living channel. It does not change while it is still. */
export interface Channel {
  readonly id: number;
  readonly target: string;
  readonly kind: string;
  /** Who has come, to a remote listener. */
  readonly peer?: string | undefined;
  readonly open: boolean;
  readonly idle: boolean;
  /** When it was asked for, by the clock of the figures, ms. */
  readonly beganMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly rateUp: number;
  readonly rateDown: number;
}

/** A living flow of datagrams. It does not change while it is still. */
export interface Flow {
  readonly id: number;
  /** Missing where each datagram has its own. */
  readonly target?: string | undefined;
  readonly kind: string;
  readonly peer?: string | undefined;
  readonly open: boolean;
  readonly idle: boolean;
  /** When it was asked for, by the clock of the figures, ms. */
  readonly beganMs: number;
  readonly datagramsUp: number;
  readonly datagramsDown: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly rateUp: number;
  readonly rateDown: number;
  /** Datagrams that were not sent. */
  readonly datagramsDropped: number;
}

/** A channel that is over. */
export interface EndedChannel {
  readonly id: number;
  readonly target: string;
  readonly kind: string;
  readonly peer?: string | undefined;
  /** Time of day, ms since 1970. */
  readonly atMs: number;
  readonly lastedMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Why it has failed. */
  readonly reason?: string | undefined;
}

/** What has happened to the tunnel. */
export interface TunnelEvent {
  /** Counted from 1. */
  readonly id: number;
  /** `lost`: a connection has ended. `failed`: a try to connect. `refused`: a request, by a local port. */
  readonly what: 'connected' | 'lost' | 'failed' | 'refused' | 'closed';
  /** Time of day, ms since 1970: when it has happened, and for the last time. */
  readonly atMs: number;
  readonly lastMs: number;
  readonly times: number;
  readonly server: string;
  /** Of what was lost, has failed or was refused. */
  readonly reason?: string | undefined;
  /** Of a connection: the server that served before, if it was another one. */
  readonly former?: string | undefined;
  /** Of a connection: how long there was none before, ms; undefined for the first one. */
  readonly awayMs?: number | undefined;
  /** Of a connection: the channels that there were went on. */
  readonly kept?: boolean | undefined;
}

/** Bytes a second down and up, and 1 where the tunnel was away for a part of the time. */
export type Point = readonly [down: number, up: number, away: 0 | 1];
