import type { Channel } from '../channel/channel.js';
import { SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import { DatagramStore } from '../datagram/datagram-store.js';
import type { Flow } from '../datagram/flow.js';
import { type FlowCarrier, SessionFlow } from '../datagram/session-flow.js';

/** What sessions carry, and may let go of. */
export type Carried = Channel | Flow;

/** A session has let go of it, and no other has taken it. */
export function isAdrift(one: Carried): one is SessionChannel | SessionFlow {
  return (one instanceof SessionChannel || one instanceof SessionFlow) && one.isCarriedNowhere;
}

/** Carries flows that no session does. */
export function nowhereForFlows(clock: Pick<Clock, 'now'>): FlowCarrier {
  return {
    isNowhere: true,
    datagrams: LIMBO,
    framesMade: 0,
    framesCarried: 0,
    now: () => clock.now(),
    onSendable() {},
    onDatagrams() {},
    onFlowOver() {},
  };
}

/** Of all sessions: nothing stays there for long. */
const LIMBO = new DatagramStore();
