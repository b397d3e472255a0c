import type { OpenHandler } from '../channel/handlers.js';
import type { Sender } from '../channel/sender.js';
import { type Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import { type FlowCarrier, SessionFlow } from '../datagram/session-flow.js';
import type { FailureCode } from '../failures.js';
import { Capability } from '../frame/capabilities.js';
import { type Arrival, encodeListen, type ListenRequest } from '../frame/listen.js';
import { holds } from '../invariant.js';
import { Arriving } from '../listen/arriving.js';
import type { ListenHandler, OfferedListener } from '../listen/listener.js';
import { type ListenerCarrier, SessionListener } from '../listen/session-listener.js';
import { type Carried, isAdrift } from './carried.js';
import type { Channels } from './channels.js';
import { stillbornChannel } from './stillborn-channel.js';
import { stillbornFlow } from './stillborn-flow.js';
import { stillbornListener } from './stillborn-listener.js';
import type { Terms } from './terms.js';

/** The living listeners of a session, and what arrives at them. Made with the first one. */
export class Listeners {
  readonly #carrier: ListenersCarrier;
  readonly #clock: Clock;
  readonly #terms: Terms;
  readonly #living = new Map<number, SessionListener>();
  /** Those without a number: whether the peer listens for others is not known. */
  readonly #waiting = new Set<SessionListener>();

  constructor(carrier: ListenersCarrier, clock: Clock, terms: Terms) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#terms = terms;
  }

  get size(): number {
    return this.#living.size + this.#waiting.size;
  }

  /** One of them is about to end: what has arrived there may still come. */
  get isEnding(): boolean {
    return [...this.#living.values()].some(({ isEnding }) => isEnding);
  }

  find(id: number): SessionListener | undefined {
    return this.#living.get(id);
  }

  /** The peer has asked for it. */
  add(listener: SessionListener): void {
    this.#living.set(listener.id, listener);
  }

  /** As `Session.listen`. */
  listen(request: ListenRequest, handler: ListenHandler): SessionListener {
    const wish = encodeListen(request);
    if (wish === undefined) return stillbornListener(this.#clock, request, handler, 'BAD_TARGET');
    const refusal = this.refusal(request);
    if (refusal !== undefined) return stillbornListener(this.#clock, request, handler, refusal);
    const listener = SessionListener.request(request, wish, this.#carrier, handler);
    this.#waiting.add(listener);
    if (this.#terms.capabilities !== undefined) this.#begin(listener);
    return listener;
  }

  /** Why there can be none like it, at either end. */
  refusal({ kind }: ListenRequest): FailureCode | undefined {
    const { end } = this.#carrier;
    if (end !== undefined || this.#terms.capabilities === undefined) return end;
    const needed = kind === 'udp' ? [Capability.listen, Capability.flows] : [Capability.listen];
    return needed.every((capability) => this.#terms.has(capability)) ? undefined : 'UNSUPPORTED';
  }

  #begin(listener: SessionListener): void {
    const refusal = this.refusal(listener.request);
    const id = refusal === undefined ? this.#carrier.takeId() : undefined;
    if (id === undefined) return listener.onDead(refusal ?? 'SESSION_LOST');
    this.#waiting.delete(listener);
    this.#living.set(id, listener);
    listener.begin(id);
  }

  /** What both ends can do is known: listeners that wait for that are asked for, or fail. */
  onAgreed(): void {
    for (const listener of [...this.#waiting]) this.#begin(listener);
  }

  /** It is over: what has arrived there, and has not left yet, goes with it. */
  onOver(listener: SessionListener): void {
    this.#waiting.delete(listener);
    this.#living.delete(listener.id);
    if (listener.isEnding) return this.#carrier.tellIdle();
    for (const one of this.#unsentOf(listener)) one.giveUp(listener.figures.failure ?? 'CANCELLED');
  }

  /** As `Session.openIncoming`. */
  openIncoming(at: OfferedListener, arrival: Arrival, handler: OpenHandler): SessionChannel {
    const listener = this.#openOne(at);
    const id = listener === undefined ? undefined : this.#carrier.takeId();
    if (listener === undefined || id === undefined) {
      return stillbornChannel(this.#clock, this.#carrier.memory, handler, this.#failure(listener));
    }
    const arriving = new Arriving(listener, arrival, false);
    const channel = SessionChannel.request(id, arriving.target, this.#carrier, handler, arriving);
    this.#carrier.channels.add(channel);
    return channel;
  }

  /** As `Session.openIncomingFlow`. */
  openIncomingFlow(at: OfferedListener, arrival: Arrival, handler: OpenHandler): SessionFlow {
    const listener = arrival.peer === undefined ? undefined : this.#openOne(at);
    const id = listener === undefined ? undefined : this.#carrier.takeId();
    if (listener === undefined || id === undefined) {
      return stillbornFlow(this.#clock, handler, this.#failure(listener));
    }
    const arriving = new Arriving(listener, arrival, true);
    const flow = SessionFlow.request(id, arriving.target, this.#carrier, handler, arriving);
    this.#carrier.addFlow(flow);
    return flow;
  }

  /** As `Session.releaseIncoming`. */
  release(listener: OfferedListener): readonly Carried[] {
    const released = this.#unsentOf(listener);
    for (const one of released) this.#carrier.letGo(one);
    return released;
  }

  /** As `Session.adoptIncoming`. */
  adopt(one: Carried, at: OfferedListener): void {
    if (one.state.dead) return;
    if (!isAdrift(one) || !(one.beginning instanceof Arriving)) {
      return void holds(false, 'what is adopted has not arrived');
    }
    const listener = this.#openOne(at);
    const id = listener === undefined ? undefined : this.#carrier.takeId();
    if (listener === undefined || id === undefined) return one.onDead(this.#failure(listener));
    one.beginning.listener = listener;
    one.move(id, this.#carrier);
    if (one instanceof SessionFlow) this.#carrier.addFlow(one);
    else this.#carrier.channels.add(one);
  }

  /** `listener`, if it is of this session, and listens. */
  #openOne(listener: OfferedListener): SessionListener | undefined {
    const own = this.#living.get(listener.id);
    return own === listener && own.state.opening === 'open' ? own : undefined;
  }

  /** Why nothing is opened: there is no such listener, or there are no numbers. */
  #failure(listener: SessionListener | undefined): FailureCode {
    return this.#carrier.end ?? (listener === undefined ? 'BAD_TARGET' : 'SESSION_LOST');
  }

  #unsentOf(listener: OfferedListener): (SessionChannel | SessionFlow)[] {
    return this.#carrier.all.filter(
      ({ isUnsent, beginning }) => isUnsent && beginning instanceof Arriving && beginning.listener === listener,
    );
  }

  /** The session is over. */
  close(failure: FailureCode): void {
    for (const listener of [...this.#living.values(), ...this.#waiting]) listener.onDead(failure);
  }
}

/** What they ask of the session that has them. */
export interface ListenersCarrier extends Carrier, FlowCarrier, ListenerCarrier {
  readonly channels: Channels;
  /** All channels and flows that live. */
  readonly all: (SessionChannel | SessionFlow)[];
  /** Why nothing is opened any more, once that is so. */
  readonly end: FailureCode | undefined;
  /** Undefined when there is none. */
  takeId(): number | undefined;
  addFlow(flow: SessionFlow): void;
  letGo(one: SessionChannel | SessionFlow): void;
  tellIdle(): void;
  onSendable(sender: Sender): void;
}
