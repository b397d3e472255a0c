import type { ClientStatus } from '../tunnel/client-status.js';

export function snapshot(status: ClientStatus, clockMs: number, proxy: string | undefined): Snapshot {
  return { ...status, clockMs, proxy, channelCount: status.channels.length };
}

/** What pages and scripts are shown of a client. */
export interface Snapshot extends ClientStatus {
  /** When, by a clock that does not jump, ms: what rates are derived from. */
  readonly clockMs: number;
  /** Living channels, of which `channels` may show a part. */
  readonly channelCount: number;
  /** `host:port` that offers SOCKS and HTTP; undefined when none does over TCP. */
  readonly proxy: string | undefined;
}

/** In what watchers are sent each second. */
const MAX_CHANNELS = 100;

/** The channels that have carried the most, and no more of them than anybody reads. */
export function busiest(snapshot: Snapshot): Snapshot {
  const carried = ({ bytesUp, bytesDown }: Snapshot['channels'][number]): number => bytesUp + bytesDown;
  const channels = [...snapshot.channels].sort((a, b) => carried(b) - carried(a) || a.id - b.id);
  return { ...snapshot, channels: channels.slice(0, MAX_CHANNELS) };
}
