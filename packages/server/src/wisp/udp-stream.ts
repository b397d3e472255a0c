import type { Flow, FlowSink, OpenHandler, Target } from 'wsproxy-engine';
import { reasonOf } from './close-reasons.js';
import { dataPacket } from './packets.js';
import type { StreamOwner, WispStream } from './wisp-stream.js';

/** A stream of type UDP: each DATA is a datagram, to or from its one peer. There is no window for it. */
export class UdpStream implements WispStream, OpenHandler, FlowSink {
  readonly #id: number;
  readonly #owner: StreamOwner;
  readonly #flow: Flow;
  #hasLeft = false;

  constructor(id: number, target: Target, owner: StreamOwner) {
    this.#id = id;
    this.#owner = owner;
    this.#flow = owner.session.openFlow(target, this);
    this.#flow.start(this);
    this.#flow.onOver(() => this.#onOver());
  }

  take(data: Uint8Array): void {
    this.#flow.send(data);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#flow.close();
  }

  onOpen(): void {}

  /** `#onOver` tells it. */
  onFail(): void {}

  onDatagram(data: Uint8Array): void {
    if (!this.#owner.isCrowded) this.#owner.send(dataPacket(this.#id, data));
  }

  #onOver(): void {
    if (!this.#hasLeft) this.#owner.close(this.#id, reasonOf(this.#flow.figures.failure ?? 'CANCELLED'));
  }
}
