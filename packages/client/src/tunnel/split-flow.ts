import type {
  FailureCode,
  Flow,
  FlowFigures,
  FlowSink,
  FlowState,
  FlowTunnel,
  OpenHandler,
  Peer,
} from 'wsproxy-engine';

/**
 * A flow for any peer of which some are reached past the tunnel: one flow for each way, which look like one. It is answered
 * as the tunnel's is. One that is idle ends by itself, and begins anew with the next datagram that goes its way; when none
 * is left, or the tunnel's ends for another reason, this is over.
 */
export class SplitFlow implements Flow {
  readonly id: number;
  readonly target = undefined;
  readonly #tunnel: FlowTunnel;
  readonly #direct: FlowTunnel;
  readonly #isDirect: (peer: Peer) => boolean;
  /** By the way that they go. */
  readonly #flows = new Map<FlowTunnel, Flow>();
  /** What asks for it, as its handler says. */
  readonly #kind: Pick<OpenHandler, 'kind'>;
  readonly #overs: (() => void)[] = [];
  #state: FlowState = { opening: 'requested', dead: false };
  #sink: FlowSink | undefined;
  #failure: FailureCode | undefined;
  /** Of those that are over. */
  #past: Carried = NOTHING;
  /** Of the first one, which is the oldest. */
  readonly #age: () => number;

  constructor(tunnel: FlowTunnel, direct: FlowTunnel, isDirect: (peer: Peer) => boolean, handler: OpenHandler) {
    this.#tunnel = tunnel;
    this.#direct = direct;
    this.#isDirect = isDirect;
    this.#kind = handler.kind === undefined ? {} : { kind: handler.kind };
    const first = this.#begin(tunnel, {
      ...handler,
      onOpen: () => {
        this.#state = { ...this.#state, opening: 'open' };
        handler.onOpen();
      },
      onFail: (code) => handler.onFail(code),
    });
    this.id = first.id;
    this.#age = () => first.figures.age;
  }

  get state(): FlowState {
    return this.#state;
  }

  get figures(): FlowFigures {
    const carried = [...this.#flows.values()].reduce((sum, { figures }) => add(sum, figures), this.#past);
    return { ...carried, age: this.#age(), failure: this.#failure };
  }

  start(sink: FlowSink): void {
    this.#sink = sink;
    for (const flow of this.#flows.values()) flow.start(sink);
  }

  send(data: Uint8Array, peer?: Peer): void {
    if (this.#state.dead) return;
    const way = peer !== undefined && this.#isDirect(peer) ? this.#direct : this.#tunnel;
    const flow = this.#flows.get(way) ?? this.#begin(way, { ...this.#kind, onOpen() {}, onFail() {} });
    flow.send(data, peer);
  }

  close(code: FailureCode = 'CANCELLED'): void {
    this.#end(code);
  }

  onOver(listener: () => void): void {
    if (this.#state.dead) listener();
    else this.#overs.push(listener);
  }

  #begin(way: FlowTunnel, handler: OpenHandler): Flow {
    const flow = way.openFlow(undefined, handler);
    this.#flows.set(way, flow);
    if (this.#sink !== undefined) flow.start(this.#sink);
    flow.onOver(() => this.#onOver(way, flow));
    return flow;
  }

  #onOver(way: FlowTunnel, flow: Flow): void {
    if (this.#flows.get(way) !== flow) return;
    this.#flows.delete(way);
    this.#past = add(this.#past, flow.figures);
    const { failure = 'CANCELLED' } = flow.figures;
    const isVital = way === this.#tunnel && failure !== 'TIMED_OUT';
    if (isVital || this.#flows.size === 0) this.#end(failure);
  }

  #end(code: FailureCode): void {
    if (this.#state.dead) return;
    this.#state = { ...this.#state, dead: true };
    this.#failure = code;
    for (const flow of this.#flows.values()) flow.close(code);
    for (const listener of this.#overs.splice(0)) listener();
  }
}

type Carried = Omit<FlowFigures, 'age' | 'failure'>;

const NOTHING: Carried = {
  datagramsSent: 0,
  datagramsReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  datagramsDropped: { tooBig: 0, full: 0, late: 0, unaddressed: 0 },
};

function add(a: Carried, b: Carried): Carried {
  const [{ datagramsDropped: some, ...one }, { datagramsDropped: others, ...other }] = [a, b];
  return { ...addEach(one, other), datagramsDropped: addEach(some, others) };
}

/** The fields of the first. */
function addEach<K extends string>(a: Readonly<Record<K, number>>, b: Readonly<Record<K, number>>): Record<K, number> {
  const sum: Record<K, number> = { ...a };
  for (const key of Object.keys(a) as K[]) sum[key] += b[key];
  return sum;
}
