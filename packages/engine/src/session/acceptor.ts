import { callOut } from '../call-out.js';
import { SessionChannel } from '../channel/session-channel.js';
import { SessionFlow } from '../datagram/session-flow.js';
import { violation } from '../errors.js';
import type { Call } from '../frame/call.js';
import type { Incoming, ListenRequest } from '../frame/listen.js';
import type { Open, OpenFlow } from '../frame/payload.js';
import { Arriving } from '../listen/arriving.js';
import { serviceTarget } from '../listen/calling.js';
import { SessionListener } from '../listen/session-listener.js';
import type { Channels } from './channels.js';
import type { Outbox } from './outbox.js';
import type { SessionCarrier } from './session-carrier.js';
import type { SessionOptions } from './session-options.js';

const DEFAULT_MAX_CHANNELS = 1024;
const DEFAULT_MAX_FLOWS = 256;
const DEFAULT_MAX_LISTENERS = 128;
/** Answers beyond the limit of channels that a peer may leave unread: each costs hundreds of times what OPEN does. */
const MAX_UNREAD_ANSWERS = 4096;

/** Takes the channels, flows and listeners that the peer opens, as many as it may. */
export class Acceptor {
  readonly #options: SessionOptions;
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #carrier: SessionCarrier;
  #isDraining = false;

  constructor(options: SessionOptions, carrier: SessionCarrier) {
    this.#options = options;
    this.#carrier = carrier;
    this.#channels = carrier.channels;
    this.#outbox = carrier.outbox;
  }

  /** From here on everything is refused. */
  drain(): void {
    this.#isDraining = true;
  }

  /** The channel of an OPEN, passed on or refused. Throws ProtocolError for one that must not be. */
  take(id: number, { target, window }: Open): SessionChannel {
    const options = this.#options;
    if (options.onChannel === undefined) throw violation('this end opens channels, it does not take them');
    this.#check(id);
    const channel = SessionChannel.offer(id, target, this.#carrier, window);
    if (this.#admits(channel)) offer(channel, () => options.onChannel?.(channel));
    return channel;
  }

  /** The same for the flow of a FLOW; `open`: undefined for a kind that is not known. */
  takeFlow(id: number, open: OpenFlow | undefined): void {
    const options = this.#options;
    if (options.onFlow === undefined) throw violation('this end opens flows, it does not take them');
    this.#check(id);
    const flow = SessionFlow.offer(id, open?.target, this.#carrier);
    if (open === undefined) return flow.refuse('BAD_TARGET');
    if (this.#admitsFlow(flow)) offer(flow, () => options.onFlow?.(flow));
  }

  /** The same for a LISTEN; `request`: undefined for one that is not understood. */
  takeListener(id: number, request: ListenRequest | undefined): void {
    const options = this.#options;
    const { maxListeners = DEFAULT_MAX_LISTENERS } = options;
    if (options.onListen === undefined) throw violation('this end asks for listeners, it has none');
    this.#check(id);
    const listener = SessionListener.offer(id, request ?? NO_REQUEST, this.#carrier);
    if (request === undefined) return listener.refuse('BAD_TARGET');
    const { listening } = this.#carrier;
    const refusal = listening.refusal(request) ?? this.#refusal(listening.size, maxListeners);
    if (refusal !== undefined) return listener.refuse(refusal);
    listening.add(listener);
    callOut(() => options.onListen?.(listener));
  }

  /**
   * The same for the channel or flow of an INCOMING; `incoming`: undefined for one that is not understood. Nobody is told of one for a
   * listener that does not listen here. Returns the channel, if it is one.
   */
  takeIncoming(id: number, incoming: Incoming | undefined): SessionChannel | undefined {
    if (this.#options.role !== 'client') throw violation('only a server tells of arrivals');
    this.#carrier.watchNumbers(id, this.#check(id));
    const listener = this.#carrier.listeners?.find(incoming?.listener ?? 0);
    const isFlow = listener?.request.kind === 'udp';
    if (incoming === undefined || listener?.state.opening !== 'open' || isFlow !== incoming.isFlow) {
      SessionChannel.offer(id, NO_TARGET, this.#carrier, 0).refuse('BAD_TARGET');
      return undefined;
    }
    const { arrival, window } = incoming;
    const { target } = new Arriving(listener, arrival, isFlow);
    if (isFlow) {
      const flow = SessionFlow.offer(id, target, this.#carrier);
      if (this.#admitsFlow(flow)) offer(flow, () => listener.handler?.onFlow(flow, arrival));
      return undefined;
    }
    const channel = SessionChannel.offer(id, target, this.#carrier, window);
    if (this.#admits(channel)) offer(channel, () => listener.handler?.onChannel(channel, arrival));
    return channel;
  }

  /** The same for a call; `call`: undefined for one that is not understood. Nobody is told of one that was not agreed on. */
  takeCall(id: number, call: Call | undefined): SessionChannel | undefined {
    const { role, onCall } = this.#options;
    if (role !== 'client') throw violation('only a server calls');
    this.#carrier.watchNumbers(id, this.#check(id));
    if (call === undefined || !this.#carrier.takesCalls) {
      SessionChannel.offer(id, NO_TARGET, this.#carrier, 0).refuse('BAD_TARGET');
      return undefined;
    }
    const { service, window } = call;
    const channel = SessionChannel.offer(id, serviceTarget(service), this.#carrier, window);
    if (this.#admits(channel)) offer(channel, () => onCall?.(channel, service));
    return channel;
  }

  /** False for one that is refused. */
  #admits(channel: SessionChannel): boolean {
    const { maxChannels = DEFAULT_MAX_CHANNELS } = this.#options;
    const refusal = this.#refusal(this.#channels.sizeOfPeer, maxChannels);
    if (refusal === undefined) {
      this.#channels.add(channel);
      return true;
    }
    this.#options.onRefused?.(channel, refusal);
    channel.refuse(refusal);
    return false;
  }

  #admitsFlow(flow: SessionFlow): boolean {
    const { maxFlows = DEFAULT_MAX_FLOWS } = this.#options;
    const refusal = this.#refusal(this.#carrier.flows?.sizeOfPeer ?? 0, maxFlows);
    if (refusal === undefined) {
      this.#carrier.addFlow(flow);
      return true;
    }
    this.#options.onFlowRefused?.(flow, refusal);
    flow.refuse(refusal);
    return false;
  }

  #refusal(living: number, most: number): 'GOING_AWAY' | 'LIMIT_REACHED' | undefined {
    if (this.#isDraining) return 'GOING_AWAY';
    return living < most ? undefined : 'LIMIT_REACHED';
  }

  /** The number is right; and answers to what is opened beyond a limit are read. Returns the peer's number before. */
  #check(id: number): number {
    const before = this.#channels.checkPeerId(id);
    const { onFlow, maxChannels = DEFAULT_MAX_CHANNELS, maxFlows = DEFAULT_MAX_FLOWS } = this.#options;
    const most = maxChannels + (onFlow === undefined ? 0 : maxFlows) + MAX_UNREAD_ANSWERS;
    if (this.#outbox.waitingChannels <= most) return before;
    // What this end has opened waits there as well, and is none of the peer's doing.
    if (this.#outbox.countWaiting((waiting) => this.#channels.isOfPeer(waiting)) > most) {
      throw violation('channels are opened, but the answers are not read');
    }
    return before;
  }
}

/** Shows it to the one who is to answer. */
function offer(one: SessionChannel | SessionFlow, show: () => void): void {
  callOut(show, (error) => one.onThrown(error));
}

/** Of what is refused at once, and never shown. */
const NO_TARGET = { host: 'nowhere', port: 0 };
const NO_REQUEST: ListenRequest = {
  kind: 'tcp',
  bind: '',
  port: 0,
  backlog: 0,
  name: '',
  takesOver: false,
  anyPort: false,
};
