import type { FlowDrops } from 'wsproxy-engine';
import type { DropReason } from 'wsproxy-node/dial/udp';

/** How many datagrams were dropped for each reason: between tunnel and sockets, and in the queue of the tunnel. Those of which there are some. */
export function allDrops(here: Readonly<Record<DropReason, number>>, queue: FlowDrops): Drops {
  const counts = { ...here, full: queue.full, late: queue.late, tooBig: queue.tooBig };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Of the queue `full`, `late` and `tooBig`; those of nobody cannot come about here. */
export type AnyDropReason = DropReason | 'full' | 'late' | 'tooBig';
export type Drops = Partial<Record<AnyDropReason, number>>;

export const DROP_REASONS: readonly AnyDropReason[] = [
  'denied',
  'destinations',
  'full',
  'late',
  'rate',
  'tooBig',
  'unasked',
  'unsent',
  'waiting',
];
