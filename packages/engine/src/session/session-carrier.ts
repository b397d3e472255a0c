import type { Progress } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import { nowhere } from '../channel/nowhere.js';
import type { Sender } from '../channel/sender.js';
import { type Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import { QUEUE_LIMIT, WINDOW_BUDGET, WINDOW_FLOOR } from '../constants.js';
import type { DatagramStore } from '../datagram/datagram-store.js';
import { type FlowCarrier, SessionFlow } from '../datagram/session-flow.js';
import type { FailureCode } from '../failures.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { Capability } from '../frame/capabilities.js';
import { holds } from '../invariant.js';
import { Calling, serviceTarget } from '../listen/calling.js';
import type { ListenerCarrier, SessionListener } from '../listen/session-listener.js';
import type { SlabPool } from '../memory/slab-pool.js';
import { parseHost, parsePort, type Target } from '../target.js';
import { type Carried, isAdrift, nowhereForFlows } from './carried.js';
import { Channels } from './channels.js';
import { Flows } from './flows.js';
import { Listeners } from './listeners.js';
import { Outbox } from './outbox.js';
import { Returner } from './returner.js';
import type { SessionOptions } from './session-options.js';
import { stillbornChannel } from './stillborn-channel.js';
import { stillbornFlow } from './stillborn-flow.js';
import type { Terms } from './terms.js';

/**
 * Carries the channels and flows of one session, and has its listeners: gives them what they ask for, and lets go of those that
 * another one may carry.
 */
export class SessionCarrier implements Carrier, FlowCarrier, ListenerCarrier {
  readonly memory: SlabPool;
  readonly budget: MemoryBudget;
  readonly queues: MemoryBudget;
  readonly channels: Channels;
  readonly outbox: Outbox;
  readonly returner: Returner;
  /** Undefined until there was one, as `listeners`. */
  flows: Flows | undefined;
  listeners: Listeners | undefined;

  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #terms: Terms;
  readonly #roundTrip: RoundTrip;
  /** What channels are told once this is closed. */
  #end: FailureCode | undefined;

  constructor(options: SessionOptions, terms: Terms, roundTrip: RoundTrip) {
    const { clock, memory, processBudgets, role, lastChannel, replayPace } = options;
    this.#options = options;
    this.#clock = clock;
    this.#terms = terms;
    this.#roundTrip = roundTrip;
    this.memory = memory;
    this.budget = new MemoryBudget(WINDOW_BUDGET, processBudgets?.windows, WINDOW_FLOOR);
    this.queues = new MemoryBudget(QUEUE_LIMIT, processBudgets?.replay);
    this.channels = new Channels(role, lastChannel);
    const budget = processBudgets?.replay;
    this.outbox = new Outbox({ clock, carrier: this, terms, roundTrip, budget, pace: replayPace });
    this.returner = new Returner(clock, this.outbox, terms);
  }

  // What channels ask.

  progress(): Progress {
    const { replay, asked, answered } = this.outbox;
    return { framesSent: replay.total, framesProcessed: replay.acknowledged, asked, answered };
  }

  ask(): void {
    this.outbox.ask();
  }

  now(): number {
    return this.#clock.now();
  }

  roundTrip(): number {
    return this.#roundTrip.lowest;
  }

  get frameSize(): number {
    return this.outbox.frameSize;
  }

  onSendable(sender: Sender): void {
    this.outbox.sendable(sender);
  }

  onGrant(channel: SessionChannel): void {
    this.outbox.grant(channel);
  }

  onOver(channel: SessionChannel): void {
    this.channels.remove(channel);
    this.outbox.forget(channel);
    this.returner.forget(channel);
    this.tellIdle();
  }

  // What flows ask.

  get datagrams(): DatagramStore {
    return this.#flows.store;
  }

  get framesMade(): number {
    return this.outbox.replay.total;
  }

  get framesCarried(): number {
    return this.outbox.replay.carried;
  }

  onDatagrams(flow: SessionFlow): void {
    this.outbox.sendableLater(flow);
  }

  onFlowOver(flow: SessionFlow): void {
    this.flows?.remove(flow);
    this.tellIdle();
  }

  // What listeners ask.

  onListenerOver(listener: SessionListener): void {
    this.listeners?.onOver(listener);
  }

  // What the session does with them.

  get flowCount(): number {
    return this.flows?.size ?? 0;
  }

  get #flows(): Flows {
    if (this.flows === undefined) {
      this.flows = new Flows(this.#options.processBudgets?.replay, (id) => this.channels.isOfPeer(id));
      this.outbox.takeTurns();
    }
    return this.flows;
  }

  /** The listeners, from the first one on. */
  get listening(): Listeners {
    this.listeners ??= new Listeners(this, this.#clock, this.#terms);
    return this.listeners;
  }

  /** What is told to those that ask for more, once this is closed. */
  get end(): FailureCode | undefined {
    return this.#end;
  }

  /** All that lives, but listeners. */
  get all(): (SessionChannel | SessionFlow)[] {
    return [...this.channels.all(), ...(this.flows?.all() ?? [])];
  }

  /** Nothing lives but listeners, and the peer has processed all that was sent. */
  get isIdle(): boolean {
    return this.channels.size === 0 && this.flowCount === 0 && this.outbox.isEmpty && this.listeners?.isEnding !== true;
  }

  /** What both ends can do is known: flows and listeners that wait for that go, or fail. */
  onAgreed(): void {
    for (const flow of this.flows?.waiting ?? []) {
      this.flows?.remove(flow);
      this.#take(flow);
    }
    this.listeners?.onAgreed();
  }

  /** A transport carries frames, perhaps another than before: what it is to be told of the channels is told again. */
  goLive(): void {
    const channels = this.channels.all();
    for (const channel of channels) if (channel.hasGranted) this.outbox.grant(channel);
    this.returner.goLive(channels);
  }

  /** The transport is gone. */
  detach(): void {
    this.returner.stop();
    this.outbox.detach();
  }

  /** As `Session.open`. */
  open(target: Target, handler: OpenHandler, optimistic: boolean): SessionChannel {
    if (!isValid(target)) return stillbornChannel(this.#clock, this.memory, handler, 'BAD_TARGET');
    const id = this.takeId();
    if (id === undefined) return stillbornChannel(this.#clock, this.memory, handler, this.#end ?? 'SESSION_LOST');
    const channel = SessionChannel.request(id, target, this, handler);
    this.channels.add(channel);
    if (optimistic) this.#clock.defer(() => channel.assumeOpen());
    return channel;
  }

  /** As `Session.call`. */
  call(service: string, handler: OpenHandler): SessionChannel {
    const calling = Calling.of(service);
    const refusal = this.#end ?? (this.takesCalls ? undefined : 'UNSUPPORTED');
    const id = calling === undefined || refusal !== undefined ? undefined : this.takeId();
    if (calling === undefined || id === undefined) {
      const code = calling === undefined ? 'BAD_TARGET' : (refusal ?? 'SESSION_LOST');
      return stillbornChannel(this.#clock, this.memory, handler, code);
    }
    const channel = SessionChannel.request(id, serviceTarget(service), this, handler, calling);
    this.channels.add(channel);
    return channel;
  }

  /** Both ends have agreed on calls. */
  get takesCalls(): boolean {
    return this.#terms.has(Capability.calls);
  }

  /** As `Session.openFlow`. */
  openFlow(target: Target | undefined, handler: OpenHandler): SessionFlow {
    if (target !== undefined && !isValid(target)) return stillbornFlow(this.#clock, handler, 'BAD_TARGET');
    const number = this.#numberForFlow();
    if (typeof number === 'string') return stillbornFlow(this.#clock, handler, number);
    const flow = SessionFlow.request(number, target, this, handler);
    this.addFlow(flow);
    return flow;
  }

  addFlow(flow: SessionFlow): void {
    this.#flows.add(flow);
  }

  /** 0 while it is not known whether the peer takes flows; or why there is none. */
  #numberForFlow(): number | FailureCode {
    if (this.#end !== undefined) return this.#end;
    if (this.#terms.capabilities === undefined) return 0;
    return this.#terms.has(Capability.flows) ? (this.takeId() ?? 'SESSION_LOST') : 'UNSUPPORTED';
  }

  #take(flow: SessionFlow): void {
    const number = this.#numberForFlow();
    if (typeof number === 'string') return flow.onDead(number);
    flow.move(number, this);
    this.addFlow(flow);
  }

  /** As `Session.adopt`. */
  adopt(one: Carried): void {
    if (one.state.dead) return;
    const isFree = isAdrift(one) && one.beginning === undefined;
    if (!isFree) return void holds(false, 'a channel is adopted that another session carries, or a listener');
    if (one instanceof SessionFlow) return this.#take(one);
    const id = this.takeId();
    if (id === undefined) return one.onDead(this.#end ?? 'SESSION_LOST');
    one.move(id, this);
    this.channels.add(one);
  }

  /** The next number; undefined when this is closed, or they have run out. */
  takeId(): number | undefined {
    const id = this.#end !== undefined ? undefined : this.channels.takeId();
    if (id !== undefined) this.watchNumbers(id);
    return id;
  }

  /** `id` is used, by either end, after `before`: few may be left. That is told later, since anyone who opens this one is not done with it. */
  watchNumbers(id: number, before?: number): void {
    if (this.channels.isFirstOfFew(id, before)) this.#clock.defer(() => this.#options.onNumbersLow?.());
  }

  /** As `Session.giveUp`. */
  giveUp(which: readonly Carried[], code: FailureCode): void {
    for (const one of this.all) if (which.includes(one)) one.giveUp(code);
  }

  /** As `Session.release`. */
  release(which: 'unsent' | 'unheard'): readonly Carried[] {
    const unheard = which === 'unheard' ? this.outbox.replay.unheard : NONE;
    const released = this.all.filter(
      (one) => one.isUnsent || (one.state.opening === 'requested' && unheard.has(one.id)),
    );
    for (const one of released) this.letGo(one);
    return released;
  }

  /** Another session may carry it, and must. */
  letGo(one: SessionChannel | SessionFlow): void {
    this.outbox.release(one);
    if (one instanceof SessionFlow) {
      this.flows?.remove(one);
      one.leave(nowhereForFlows(this.#clock));
    } else {
      this.channels.remove(one);
      this.outbox.forget(one);
      this.returner.forget(one);
      one.leave(nowhere(this.#clock, this.memory));
    }
    this.tellIdle();
  }

  /** The peer takes no more channels and flows, and has not dialled this one. */
  onUndialled(one: SessionChannel | SessionFlow): void {
    this.letGo(one);
    this.#options.onUndialled?.(one);
    if (isAdrift(one)) one.onDead('GOING_AWAY');
  }

  /** Later: a channel is over as soon as its last frame was taken to be sent, and an answer may bring a new one. */
  tellIdle(): void {
    if (this.channels.size > 0 || this.flowCount > 0) return;
    this.#clock.defer(() => {
      if (this.isIdle && this.#end === undefined) this.#options.onIdle?.();
    });
  }

  /** Takes nothing more, and resets what there is, but for what it lets go of and returns. */
  close(failure: FailureCode): readonly Carried[] {
    this.#end = failure;
    const unsent = this.release('unsent');
    for (const one of this.all) one.onDead(failure);
    this.listeners?.close(failure);
    this.outbox.replay.clear();
    return unsent;
  }
}

function isValid({ host, port }: Target): boolean {
  return parseHost(host) !== undefined && parsePort(String(port)) !== undefined;
}

const NONE: ReadonlySet<number> = new Set();
