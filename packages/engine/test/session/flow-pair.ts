import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import type { SessionOptions } from '../../src/session/session-options.js';
import type { Target } from '../../src/target.js';
import { type ServerOptions, SessionPair } from './session-pair.js';

/** A pair of sessions whose server takes flows. */
export class FlowPair extends SessionPair {
  readonly #offered: OfferedFlow[];
  /** Called for each flow that the client opens. */
  onFlow: (flow: OfferedFlow) => void = () => {};

  constructor(options: ServerOptions = {}, clientOptions: Partial<SessionOptions> = {}) {
    const offered: OfferedFlow[] = [];
    const onFlow = (flow: OfferedFlow): void => {
      offered.push(flow);
      this.onFlow(flow);
    };
    super({ onFlow, ...options }, clientOptions);
    this.#offered = offered;
  }

  /** What the client has asked for, by its place in the order. */
  offered(place: number): OfferedFlow {
    const flow = this.#offered[place];
    if (flow === undefined) throw new Error('there was no such flow');
    return flow;
  }

  /** Asks for a flow; what the server does with it is for the test to say. */
  requestFlow(target?: Target): FlowRecorder {
    const near = new FlowRecorder();
    return near.take(this.client.openFlow(target, near));
  }

  /** Opens a flow whose server end is accepted and recorded. */
  openFlow(target?: Target): { near: FlowRecorder; far: FlowRecorder } {
    const far = new FlowRecorder();
    this.onFlow = (flow) => {
      flow.accept();
      far.take(flow);
    };
    const near = this.requestFlow(target);
    this.settle();
    return { near, far };
  }
}
