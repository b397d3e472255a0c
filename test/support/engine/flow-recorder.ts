import type { OpenHandler } from '../../../packages/engine/src/channel/handlers.js';
import type { Flow, FlowSink, Peer } from '../../../packages/engine/src/datagram/flow.js';
import type { FailureCode } from '../../../packages/engine/src/failures.js';
import { bytesOf } from './bytes.js';

/** One end of a flow, and all that came of it. */
export class FlowRecorder implements OpenHandler, FlowSink {
  /** How the opening went, and the end. */
  readonly events: string[] = [];
  readonly datagrams: { readonly data: Uint8Array; readonly from: Peer | undefined }[] = [];
  #flow: Flow | undefined;

  get flow(): Flow {
    if (this.#flow === undefined) throw new Error('there is no flow yet');
    return this.#flow;
  }

  /** What came, as text. */
  get texts(): string[] {
    return this.datagrams.map(({ data }) => String.fromCharCode(...data));
  }

  take(flow: Flow): this {
    this.#flow = flow;
    flow.onOver(() => this.events.push(`over ${flow.figures.failure}`));
    flow.start(this);
    return this;
  }

  say(text: string, peer?: Peer): void {
    this.flow.send(bytesOf(text), peer);
  }

  onOpen(): void {
    this.events.push('open');
  }

  onFail(code: FailureCode): void {
    this.events.push(`fail ${code}`);
  }

  onDatagram(data: Uint8Array, from: Peer | undefined): void {
    this.datagrams.push({ data: bytesOf(data), from });
  }
}
