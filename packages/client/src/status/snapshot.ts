import { VERSION } from 'wsproxy-engine';
import type { Point, TunnelEvent } from '../../page/news.js';
import type { ChannelStatus, ClientStatus, FlowStatus } from '../tunnel/client-status.js';
import type { EndedChannel } from './journal.js';
import type { Rates } from './meter.js';
import type { Recorder } from './recorder.js';

/** What scripts are shown of a client: everything. */
export function snapshot(recorder: Recorder, { status, clockMs, proxy }: Moment): Snapshot {
  const channels = status.channels.map((channel) => ({ ...channel, ...recorder.rates.of(channel) }));
  const flows = status.flows.map((flow) => ({ ...flow, ...recorder.flowRates.of(flow) }));
  const { seconds, tens } = recorder.history;
  return {
    ...figuresOf(recorder, status, clockMs),
    proxy,
    channels,
    flows,
    ...recorder.journal.newer(0),
    history: { seconds: seconds.newer(0), tens: tens.newer(0) },
  };
}

/** What a page shows in one line each, or less. */
export function figuresOf({ rates, total }: Recorder, status: ClientStatus, clockMs: number): Figures {
  const { channels, flows, ...rest } = status;
  return {
    ...rest,
    ...total.rates,
    version: VERSION,
    clockMs,
    channelCount: channels.length,
    idleCount: rates.idleCount,
    flowCount: flows.length,
  };
}

/** How it is right now, which the last look of the recorder may not know. */
interface Moment {
  readonly status: ClientStatus;
  readonly clockMs: number;
  /** `host:port` that offers SOCKS and HTTP; undefined when none does over TCP. */
  readonly proxy: string | undefined;
}

export interface Figures extends Omit<ClientStatus, 'channels' | 'flows'>, Rates {
  /** Of this program. */
  readonly version: string;
  /** When, by a clock that does not jump, ms: what rates are derived from. */
  readonly clockMs: number;
  /** Living channels, and those of them on which nothing moves. */
  readonly channelCount: number;
  readonly idleCount: number;
  /** Living flows. */
  readonly flowCount: number;
}

/** A living channel, and how fast it is. */
export interface ShownChannel extends ChannelStatus, Rates {
  readonly idle: boolean;
}

/** A living flow, and how fast it is. */
export interface ShownFlow extends FlowStatus, Rates {
  readonly idle: boolean;
}

export interface Snapshot extends Figures, Pick<Moment, 'proxy'> {
  /** Oldest first. */
  readonly channels: readonly ShownChannel[];
  readonly flows: readonly ShownFlow[];
  /** What has happened to the tunnel, and channels that are over: the last of each, oldest first. */
  readonly events: readonly TunnelEvent[];
  readonly ended: readonly EndedChannel[];
  /** Bytes a second, down and up: each second of two minutes, and each ten seconds of an hour. */
  readonly history: { readonly seconds: readonly Point[]; readonly tens: readonly Point[] };
}
