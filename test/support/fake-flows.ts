import type {
  FailureCode,
  Flow,
  FlowFigures,
  FlowSink,
  FlowState,
  FlowTunnel,
  OpenHandler,
  Peer,
  Target,
} from 'wsproxy-engine';

/** A tunnel whose flows do what the test says, and nothing by themselves; `answer` says what becomes of new ones. */
export class FakeFlows implements FlowTunnel {
  /** All so far, the oldest first. */
  readonly flows: FakeFlow[] = [];
  answer: 'open' | 'wait' | FailureCode = 'open';

  /** The newest. */
  get last(): FakeFlow {
    const flow = this.flows.at(-1);
    if (flow === undefined) throw new Error('no flow was asked for');
    return flow;
  }

  /** Those that live. */
  get living(): FakeFlow[] {
    return this.flows.filter(({ state }) => !state.dead);
  }

  openFlow(target: Target | undefined, handler: OpenHandler): FakeFlow {
    const flow = new FakeFlow(this.flows.length, target, handler);
    this.flows.push(flow);
    const { answer } = this;
    if (answer === 'wait') return flow;
    // Never before the caller has the flow.
    queueMicrotask(() => (answer === 'open' ? flow.open() : flow.fail(answer)));
    return flow;
  }
}

export class FakeFlow implements Flow {
  readonly id: number;
  readonly target: Target | undefined;
  readonly kind: string | undefined;
  /** What the listener has sent: `data` to `peer`, as text. */
  readonly sent: string[] = [];
  readonly #handler: OpenHandler;
  readonly #overs: (() => void)[] = [];
  #state: FlowState = { opening: 'requested', dead: false };
  #sink: FlowSink | undefined;
  #failure: FailureCode | undefined;

  constructor(id: number, target: Target | undefined, handler: OpenHandler) {
    this.id = id;
    this.target = target;
    this.kind = handler.kind;
    this.#handler = handler;
  }

  get state(): FlowState {
    return this.#state;
  }

  get figures(): FlowFigures {
    const datagramsDropped = { tooBig: 0, full: 0, late: 0, unaddressed: 0 };
    const figures = { age: 0, datagramsSent: this.sent.length, datagramsReceived: 0, bytesReceived: 0 };
    const bytesSent = this.sent.join('').length;
    return { ...figures, bytesSent, datagramsDropped, failure: this.#failure };
  }

  start(sink: FlowSink): void {
    this.#sink = sink;
  }

  send(data: Uint8Array, peer?: Peer): void {
    const to = peer === undefined ? '' : ` to ${peer.host} ${peer.port}`;
    if (!this.#state.dead) this.sent.push(`${Buffer.from(data).toString('latin1')}${to}`);
  }

  close(code: FailureCode = 'CANCELLED'): void {
    this.#end(code);
  }

  onOver(listener: () => void): void {
    if (this.#state.dead) listener();
    else this.#overs.push(listener);
  }

  /** The server has taken it. */
  open(): void {
    if (this.#state.dead) return;
    this.#state = { opening: 'open', dead: false };
    this.#handler.onOpen();
  }

  /** The server has not taken it. */
  fail(code: FailureCode): void {
    if (this.#state.dead) return;
    this.#end(code);
    this.#handler.onFail(code);
  }

  /** A datagram comes back. */
  deliver(data: string | Uint8Array, from?: Peer): void {
    const bytes = Buffer.from(data as string);
    this.#sink?.onDatagram(bytes, from);
    // Valid until then.
    bytes.fill('!');
  }

  #end(code: FailureCode): void {
    if (this.#state.dead) return;
    this.#state = { ...this.#state, dead: true };
    this.#failure = code;
    for (const listener of this.#overs.splice(0)) listener();
  }
}
