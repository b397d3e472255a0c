import type { OfferedFlow } from 'wsproxy-engine';
import { type FlowRefusal, type FlowService, ServedFlow } from './served-flow.js';
import type { SessionOfFlows } from './session-of-flows.js';

/** Answers what clients open: joins each flow and sockets. */
export function createFlowHandler(service: FlowService): FlowHandler {
  return {
    serve: (flow, session) => void new ServedFlow(service, flow, session).serve(),
    turnAway: (flow, session, code) => new ServedFlow(service, flow, session).turnAway(code),
  };
}

export interface FlowHandler {
  serve(flow: OfferedFlow, session: SessionOfFlows): void;
  /** `code`: why the session does not take it. */
  turnAway(flow: OfferedFlow, session: SessionOfFlows, code: FlowRefusal): void;
}
