/** What the client tells, as far as the page shows it. A field that is missing is not known. */
export interface News {
  /** It stands for itself; otherwise it tells what has changed. */
  readonly whole: boolean;
  /** `host:port`, with the whole only. */
  readonly proxy?: string | undefined;
  readonly figures: Figures;
  readonly channels: readonly Channel[];
  readonly gone: readonly number[];
  readonly events: readonly TunnelEvent[];
  readonly ended: readonly EndedChannel[];
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
  readonly roundTripMs?: number | undefined;
  readonly resumes: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly rateUp: number;
  readonly rateDown: number;
  readonly channelCount: number;
  readonly idleCount: number;
  /** What may be carried in a month, and when counting begins anew. */
  readonly quota?: { readonly bytes: number; readonly limit?: number | undefined; readonly endsAt: string } | undefined;
}

export interface Server {
  readonly server: string;
  readonly state: string;
  readonly reason?: string | undefined;
  readonly nextTryMs?: number | undefined;
}

/** A living channel. */
export interface Channel {
  readonly id: number;
  readonly target: string;
  readonly kind: string;
  readonly open: boolean;
  readonly idle: boolean;
  /** By the clock of the figures. */
  readonly beganMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly rateUp: number;
  readonly rateDown: number;
}

/** A channel that is over. */
export interface EndedChannel {
  readonly id: number;
  readonly target: string;
  readonly kind: string;
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
  readonly id: number;
  readonly what: 'connected' | 'lost' | 'failed' | 'refused' | 'closed';
  /** Time of day, ms since 1970; of the last time where it has happened again and again. */
  readonly atMs: number;
  readonly lastMs: number;
  readonly times: number;
  readonly server: string;
  readonly reason?: string | undefined;
  readonly former?: string | undefined;
  readonly awayMs?: number | undefined;
  readonly kept?: boolean | undefined;
}

/** Bytes a second, and 1 where the tunnel was away. */
export type Point = readonly [down: number, up: number, away: 0 | 1];
