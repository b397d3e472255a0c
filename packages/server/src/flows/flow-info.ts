import type { FlowSums } from '../observe/observer.js';

/** A living flow, for people and metrics to read. */
export interface FlowInfo extends FlowSums {
  /** The remote listener that it has come to, if so: then its one peer has. */
  readonly listener?: string;
  /** `host:port` of its one peer, as the application named it; undefined for a flow whose datagrams name their own. */
  readonly target: string | undefined;
  /** Whether it was accepted already. */
  readonly open: boolean;
  readonly ageMs: number;
}
