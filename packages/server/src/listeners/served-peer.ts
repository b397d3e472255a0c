import {
  type Arrival,
  type FailureCode,
  type Flow,
  type FlowSink,
  formatTarget,
  type OpenHandler,
} from 'wsproxy-engine';
import type { PeerFlow } from 'wsproxy-node/accept/ports';
import { FlowCounts } from 'wsproxy-node/dial/udp';
import type { FlowInfo } from '../flows/flow-info.js';
import { FlowPlace } from '../limits/flow-place.js';
import { flowEnding, flowSums } from '../observe/flow-sums.js';
import type { FlowRecord, OpenedFlow } from '../observe/observer.js';
import type { Claim } from './claim.js';
import type { ListenerService } from './listener-service.js';
import { formatListenPlace, type ListenPlace } from './rules/listen-place.js';
import type { LivingPeer } from './session-of-listeners.js';

/** One who sends datagrams to a remote listener, until they are silent: all that the server does for them. */
export class ServedPeer implements PeerFlow, LivingPeer {
  readonly #service: ListenerService;
  readonly #task: PeerTask;
  readonly #flow: Flow;
  #place: FlowPlace | undefined;
  /** Other processes are asked for its place. Who has come is not known to come again: so nothing is dropped meanwhile. */
  #isAsking = false;
  readonly #counts: FlowCounts = new FlowCounts();

  private constructor(service: ListenerService, task: PeerTask, handler: OpenHandler) {
    this.#service = service;
    this.#task = task;
    const { listener, session } = task.claim;
    const place = FlowPlace.take(service.guard, this, session.user, session.newPeers);
    if (place instanceof Promise) void this.#await(place);
    else this.#place = place;
    this.#flow = session.session.openIncomingFlow(listener, task.arrival, {
      onOpen: () => {
        service.observer.onFlowOpened?.(this.#opened);
        handler.onOpen();
      },
      onFail: (code) => handler.onFail(code),
    });
    session.peers.add(this);
    this.#flow.onOver(() => this.#onOver());
  }

  /** Undefined when there is no room for one more. `handler` is told how the client answers. */
  static begin(service: ListenerService, task: PeerTask, handler: OpenHandler): ServedPeer | undefined {
    return hasRoom(service, task.claim) ? new ServedPeer(service, task, handler) : undefined;
  }

  get info(): FlowInfo {
    const { listener, target } = this.#opened;
    const { figures, state } = this.#flow;
    const names = { ...(listener !== undefined && { listener }), target };
    return {
      ...names,
      open: state.opening === 'open',
      ageMs: Math.round(figures.age),
      ...flowSums(figures, this.#counts),
    };
  }

  start(sink: FlowSink): void {
    this.#flow.start({
      onDatagram: (data, from) => {
        if (this.#mayPass('up', data)) sink.onDatagram(data, from);
      },
    });
  }

  /** What the peer has sent, for the client. */
  send(data: Uint8Array): void {
    if (this.#place?.bears() === false) this.#task.onFlood();
    if (this.#mayPass('down', data)) this.#flow.send(data);
  }

  close(code?: FailureCode): void {
    this.#flow.close(code);
  }

  onOver(listener: () => void): void {
    this.#flow.onOver(listener);
  }

  async #await(asked: Promise<FlowPlace | undefined>): Promise<void> {
    this.#isAsking = true;
    const place = await asked;
    this.#isAsking = false;
    if (this.#flow.state.dead) return place?.leave();
    this.#place = place;
    if (place === undefined) this.close('LIMIT_REACHED');
  }

  #mayPass(direction: 'up' | 'down', { length }: Uint8Array): boolean {
    const mayPass = this.#isAsking || this.#place?.mayPass(direction, length) === true;
    if (mayPass) this.#counts.passed(direction, length);
    else this.#counts.drop('rate');
    return mayPass;
  }

  #onOver(): void {
    const record: FlowRecord = { ...this.#opened, refused: false, ...flowEnding(this.#flow.figures, this.#counts) };
    const { session } = this.#task.claim;
    session.peers.delete(this);
    session.onArrivalOver(record);
    this.#service.observer.onFlowOver?.(record);
    this.#place?.leave();
  }

  /** What every record of it begins with. */
  get #opened(): OpenedFlow {
    const { claim, place, arrival } = this.#task;
    const { id: session, user } = claim.session;
    const listener = formatListenPlace(place);
    const { peer } = arrival;
    const names = { user: user.id, session, flow: this.#flow.id, listener };
    return { ...names, target: peer && formatTarget(peer), address: peer?.host };
  }
}

/** Who has sent something, to which listener, and who has that. */
export interface PeerTask {
  readonly claim: Claim;
  readonly place: ListenPlace;
  readonly arrival: Arrival;
  /** There is more than the machine should bear. */
  readonly onFlood: () => void;
}

function hasRoom({ guard }: ListenerService, { session }: Claim): boolean {
  const { user, newPeers } = session;
  if (!guard.passes(user, guard.accounts.flowLimit(user))) return false;
  if (session.session.flowCount >= guard.limits.flowsPerSession) guard.hit('flowsPerSession', user.id);
  else if (!newPeers.take(1, guard.clock.now())) guard.hit('newPeersPerSecond', user.id);
  else return true;
  return false;
}
