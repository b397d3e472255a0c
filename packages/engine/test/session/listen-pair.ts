import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { OfferedFlow, Peer } from '../../src/datagram/flow.js';
import type { FailureCode } from '../../src/failures.js';
import type { Arrival, ListenRequest } from '../../src/frame/listen.js';
import type { ListenHandler, OfferedListener, RemoteListener } from '../../src/listen/listener.js';
import type { Session } from '../../src/session/session.js';
import type { SessionOptions } from '../../src/session/session-options.js';
import { type ServerOptions, SessionPair } from './session-pair.js';

export const REQUEST: ListenRequest = {
  kind: 'tcp',
  bind: '127.0.0.1',
  port: 0,
  backlog: 64,
  name: 'home/8080',
  takesOver: false,
  anyPort: false,
};
export const ADDRESS: Peer = { host: '127.0.0.1', port: 8_080 };
export const ARRIVAL: Arrival = {
  peer: { host: '192.0.2.7', port: 50_000 },
  local: { host: '192.0.2.1', port: 8_080 },
  name: '',
};

/** Anyone who has asked for a listener, and all that came of it. What arrives is taken in its order. */
export class ListenRecorder implements ListenHandler {
  readonly events: string[] = [];
  readonly arrivals: Arrival[] = [];
  readonly channels: OfferedChannel[] = [];
  readonly flows: OfferedFlow[] = [];
  /** What becomes of what arrives. */
  onOffer: (one: OfferedChannel | OfferedFlow) => void = () => {};
  #listener: RemoteListener | undefined;

  get listener(): RemoteListener {
    if (this.#listener === undefined) throw new Error('there is no listener yet');
    return this.#listener;
  }

  take(listener: RemoteListener): this {
    this.#listener = listener;
    listener.onOver(() => this.events.push(`over ${listener.figures.failure}`));
    return this;
  }

  onListening({ host, port }: Peer): void {
    this.events.push(`listening ${host} ${port}`);
  }

  onFail(code: FailureCode): void {
    this.events.push(`failed ${code}`);
  }

  onOver(code: FailureCode): void {
    this.events.push(`ended ${code}`);
  }

  onChannel(channel: OfferedChannel, arrival: Arrival): void {
    this.channels.push(channel);
    this.arrivals.push(arrival);
    this.onOffer(channel);
  }

  onFlow(flow: OfferedFlow, arrival: Arrival): void {
    this.flows.push(flow);
    this.arrivals.push(arrival);
    this.onOffer(flow);
  }
}

/** A pair of sessions whose server listens for the client, and takes flows. */
export class ListenPair extends SessionPair {
  readonly #offered: OfferedListener[];
  /** Called for each listener that the client asks for. */
  onListen: (listener: OfferedListener) => void = () => {};

  constructor(options: ServerOptions = {}, clientOptions: Partial<SessionOptions> = {}) {
    const offered: OfferedListener[] = [];
    const onListen = (listener: OfferedListener): void => {
      offered.push(listener);
      this.onListen(listener);
    };
    super({ onListen, onFlow() {}, ...options }, clientOptions);
    this.#offered = offered;
  }

  /** What the client has asked for, by its place in the order. */
  offered(place: number): OfferedListener {
    const listener = this.#offered[place];
    if (listener === undefined) throw new Error('there was no such listener');
    return listener;
  }

  /** Asks for a listener; what the server does with it is for the test to say. */
  ask(request: Partial<ListenRequest> = {}): ListenRecorder {
    const near = new ListenRecorder();
    return near.take(this.client.listen({ ...REQUEST, ...request }, near));
  }

  /** Asks for a listener that the server accepts. */
  listen(request: Partial<ListenRequest> = {}): { near: ListenRecorder; far: OfferedListener } {
    const offered = this.#offered.length;
    this.onListen = (listener) => listener.accept(ADDRESS);
    const near = this.ask(request);
    this.settle();
    return { near, far: this.offered(offered) };
  }

  /** Something arrives at `listener`; what the client does with it is for the test to say. */
  arrive(listener: OfferedListener, arrival: Arrival = ARRIVAL, server: Session = this.server): Recorder {
    const far = new Recorder();
    return far.take(server.openIncoming(listener, arrival, far));
  }

  arriveFlow(listener: OfferedListener, arrival: Arrival = ARRIVAL, server: Session = this.server): FlowRecorder {
    const far = new FlowRecorder();
    return far.take(server.openIncomingFlow(listener, arrival, far));
  }
}

/** A pair that is connected. */
export function connected(): ListenPair {
  const pair = new ListenPair().connect();
  pair.settle();
  return pair;
}

/** What arrives at the client is accepted, and recorded. */
export function accepting(near: ListenRecorder): Recorder[] {
  const recorders: Recorder[] = [];
  near.onOffer = (one) => {
    one.accept();
    recorders.push(new Recorder().take(one as OfferedChannel));
  };
  return recorders;
}

/** What a recorder tells of a listener at `ADDRESS`. */
export const LISTENING = `listening ${ADDRESS.host} ${ADDRESS.port}`;
