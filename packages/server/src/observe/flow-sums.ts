import type { FlowFigures } from 'wsproxy-engine';
import type { FlowCounts } from 'wsproxy-node/dial/udp';
import { allDrops } from './all-drops.js';
import type { FlowRecord, FlowSums } from './observer.js';

/** What a flow has carried so far: by what its session counts, and what was counted between tunnel and sockets. */
export function flowSums({ datagramsDropped }: FlowFigures, counts: FlowCounts): FlowSums {
  const { datagramsUp, datagramsDown, bytesUp, bytesDown, destinations, dropped } = counts;
  const drops = allDrops(dropped, datagramsDropped);
  return { datagramsUp, datagramsDown, bytesUp, bytesDown, destinations, dropped: drops };
}

/** What became of one that is over. */
export function flowEnding(figures: FlowFigures, counts: FlowCounts): FlowEnding {
  const { age, failure } = figures;
  return {
    // Its opener ends it so when it needs it no more.
    outcome: failure === undefined || failure === 'CANCELLED' ? 'ok' : failure,
    ...flowSums(figures, counts),
    durationMs: Math.round(age),
  };
}

type FlowEnding = FlowSums & Pick<FlowRecord, 'outcome' | 'durationMs'>;
