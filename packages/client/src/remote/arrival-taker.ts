import type { Arrival, OfferedChannel, OfferedFlow } from 'wsproxy-engine';

/** Takes what comes to a remote listener. Anyone who takes something calls `accept`, in place of its own, or refuses it. */
export interface ArrivalTaker {
  /** What is shown as the target of each. */
  readonly target: string;
  takeChannel(channel: OfferedChannel, arrival: Arrival, accept: () => void): unknown;
  /** One flow for each peer. `isAway`: nothing can pass at the moment. */
  takeFlow(flow: OfferedFlow, isAway: () => boolean, accept: () => void): unknown;
  /** Nothing comes any more; what has come lives on. */
  retire?(): unknown;
}
