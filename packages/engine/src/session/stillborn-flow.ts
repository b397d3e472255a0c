import type { OpenHandler } from '../channel/handlers.js';
import type { Clock } from '../clock.js';
import { SessionFlow } from '../datagram/session-flow.js';
import type { FailureCode } from '../failures.js';
import { nowhereForFlows } from './carried.js';

/** A flow that belongs to no session and fails as soon as the caller has returned. */
export function stillbornFlow(clock: Clock, handler: OpenHandler, code: FailureCode): SessionFlow {
  const flow = SessionFlow.request(0, undefined, nowhereForFlows(clock), handler);
  clock.defer(() => flow.onDead(code));
  return flow;
}
