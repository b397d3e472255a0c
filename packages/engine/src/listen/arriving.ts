import type { Beginning } from '../channel/opening.js';
import { FrameType } from '../frame/frame.js';
import { type Arrival, encodeIncoming } from '../frame/listen.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { Target } from '../target.js';
import type { SessionListener } from './session-listener.js';

/** How a channel or flow begins that has come to a listener. */
export class Arriving implements Beginning {
  /** To another one, once it goes over. */
  listener: SessionListener;
  readonly arrival: Arrival;
  readonly #isFlow: boolean;

  constructor(listener: SessionListener, arrival: Arrival, isFlow: boolean) {
    this.listener = listener;
    this.arrival = arrival;
    this.#isFlow = isFlow;
  }

  frame(channel: number, window: number): SequencedFrame {
    const { listener, arrival } = this;
    const payload = encodeIncoming({ window, listener: listener.id, isFlow: this.#isFlow, arrival });
    return { type: FrameType.incoming, channel, payload };
  }

  /** The target of the channel: what it has come to; of the flow: its one peer. */
  get target(): Target {
    const { bind, port } = this.listener.request;
    const { peer, local, name } = this.arrival;
    return (this.#isFlow ? peer : local) ?? { host: name === '' ? bind : name, port };
  }
}
