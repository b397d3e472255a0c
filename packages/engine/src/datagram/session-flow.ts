import { allocateAlone } from '../bytes.js';
import { callOut, tellProgram } from '../call-out.js';
import { channelFrames } from '../channel/channel-frames.js';
import type { OpenHandler } from '../channel/handlers.js';
import { type Beginning, Opening } from '../channel/opening.js';
import type { Sender, Turn } from '../channel/sender.js';
import { EARLY_WINDOW } from '../constants.js';
import type { FailureCode } from '../failures.js';
import { type Datagram, decodeDatagram, encodeDatagram, encodeHead, headLength, NO_PEER } from '../frame/datagram.js';
import { type Frame, FrameType } from '../frame/frame.js';
import type { Target } from '../target.js';
import { DatagramQueue } from './datagram-queue.js';
import type { DatagramStore } from './datagram-store.js';
import type { FlowDrops, FlowFigures, FlowSink, FlowState, OfferedFlow, Peer } from './flow.js';

/** A flow with what only the session does that carries it. */
export class SessionFlow implements OfferedFlow, Sender {
  readonly target: Target | undefined;
  turn: Turn | undefined;

  #id: number;
  #carrier: FlowCarrier;
  readonly #state: { -readonly [K in keyof FlowState]: FlowState[K] };
  /** Until it is open, and has said so. */
  #opening: Opening | undefined;
  /** Which sequenced frame FLOW was, or the answer to it: no datagram goes ahead of that. Undefined while it was not said. */
  #begunBy: number | undefined;
  /** The RESET or OPEN_FAIL that ends it. */
  #farewell: Frame | undefined;
  readonly #queue: DatagramQueue;
  #sink: FlowSink | undefined;
  /** What has come before there was one. */
  #early: Datagram[] = [];
  #earlyBytes = 0;
  /** The last peer that something was sent to, and how it is written. */
  #peer: Peer | undefined;
  #head: Uint8Array | undefined;
  readonly #openedAt: number;
  readonly #sent = { datagrams: 0, bytes: 0 };
  readonly #received = { datagrams: 0, bytes: 0 };
  readonly #drops: { -readonly [K in keyof FlowDrops]: number } = { tooBig: 0, unaddressed: 0, full: 0, late: 0 };
  #failure: FailureCode | undefined;
  #overListeners: (() => void)[] = [];

  private constructor(
    id: number,
    target: Target | undefined,
    carrier: FlowCarrier,
    opener?: OpenHandler,
    beginning?: Beginning,
  ) {
    this.#id = id;
    this.target = target;
    this.#carrier = carrier;
    this.#opening = new Opening(opener, beginning);
    this.#state = { opening: opener === undefined ? 'offered' : 'requested', dead: false };
    this.#openedAt = carrier.now();
    this.#queue = new DatagramQueue(carrier.datagrams, (why) => {
      this.#drops[why] += 1;
    });
  }

  /**
   * The opener's end: sends FLOW, or what it begins with in place of that, and datagrams right behind it. `id`: 0 while it is not
   * known whether the peer takes flows.
   */
  static request(
    id: number,
    target: Target | undefined,
    carrier: FlowCarrier,
    opener: OpenHandler,
    beginning?: Beginning,
  ): SessionFlow {
    const flow = new SessionFlow(id, target, carrier, opener, beginning);
    flow.#announce();
    return flow;
  }

  /** The other end, waiting for `accept` or `refuse`. */
  static offer(id: number, target: Target | undefined, carrier: FlowCarrier): SessionFlow {
    return new SessionFlow(id, target, carrier);
  }

  get id(): number {
    return this.#id;
  }

  get state(): Readonly<FlowState> {
    return this.#state;
  }

  get figures(): FlowFigures {
    return {
      age: this.#carrier.now() - this.#openedAt,
      datagramsSent: this.#sent.datagrams,
      datagramsReceived: this.#received.datagrams,
      bytesSent: this.#sent.bytes,
      bytesReceived: this.#received.bytes,
      datagramsDropped: { ...this.#drops },
      failure: this.#failure,
    };
  }

  onOver(listener: () => void): void {
    if (this.#state.dead) listener();
    else this.#overListeners.push(listener);
  }

  onAbandoned(listener: () => void): void {
    this.#opening?.onAbandoned(listener);
  }

  start(sink: FlowSink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    for (const { data, peer } of early) this.#tell(() => sink.onDatagram(data, peer));
  }

  send(data: Uint8Array, peer?: Peer): void {
    if (this.#state.dead) return;
    const head = this.target === undefined ? this.#headFor(peer) : NO_PEER;
    const payload = head === undefined ? undefined : encodeDatagram(head, data);
    if (head === undefined) this.#drops.unaddressed += 1;
    else if (payload === undefined) this.#drops.tooBig += 1;
    else this.#queue.push(payload, this.#carrier.now());
    if (this.#id !== NO_NUMBER && !this.#queue.isEmpty) this.#carrier.onDatagrams(this);
  }

  #headFor(peer: Peer | undefined): Uint8Array | undefined {
    if (peer === undefined) return undefined;
    if (peer.host !== this.#peer?.host || peer.port !== this.#peer.port) {
      this.#peer = { host: peer.host, port: peer.port };
      this.#head = encodeHead(peer);
    }
    return this.#head;
  }

  close(code: FailureCode = 'CANCELLED'): void {
    if (this.#state.dead) return;
    if (this.isUnsent) this.#opening?.takeFrame();
    else this.#farewell = channelFrames.reset(this.#id, code);
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  /** The peer takes too long to answer: the opener is told `code`, and the flow is over. */
  giveUp(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'requested') return;
    const opening = this.#opening;
    this.close(code);
    callOut(() => opening?.fail(code));
  }

  accept(): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#state.opening = 'open';
    this.#opening?.settle(channelFrames.openOk(this.#id, 0));
    this.#carrier.onSendable(this);
  }

  refuse(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#farewell = channelFrames.openFail(this.#id, code);
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  /** No peer has heard of it. */
  get isUnsent(): boolean {
    return this.#opening?.isUnsent === true;
  }

  isCarriedBy(carrier: object): boolean {
    return this.#carrier === carrier;
  }

  get isCarriedNowhere(): boolean {
    return this.#carrier.isNowhere === true;
  }

  /** Leaves its session, to be carried nowhere until it moves to the next one; right only while no peer has taken it. */
  leave(limbo: FlowCarrier): void {
    this.#carrier = limbo;
    this.#queue.moveTo(limbo.datagrams);
  }

  /** Goes over to another session, or has its number now; right only while it is adrift, or has none. */
  move(id: number, carrier: FlowCarrier): void {
    this.#id = id;
    this.#carrier = carrier;
    this.#queue.moveTo(carrier.datagrams);
    this.#announce();
  }

  /** What it begins with in place of FLOW; undefined once it is open. */
  get beginning(): Beginning | undefined {
    return this.#opening?.beginning;
  }

  #announce(): void {
    this.#begunBy = undefined;
    this.#opening?.say(this.beginning?.frame(this.#id, 0) ?? channelFrames.flow(this.#id, this.target));
    if (this.#id !== NO_NUMBER) this.#carrier.onSendable(this);
  }

  onOpened(): void {
    this.#state.opening = 'open';
    const opening = this.#opening;
    this.#opening = undefined;
    this.#tell(() => opening?.succeed());
  }

  #tell(call: () => void): void {
    callOut(call, (error) => this.onThrown(error));
  }

  /** Who uses it has thrown `error` when it was told something. */
  onThrown(error: unknown): void {
    if (this.#state.opening === 'offered') this.refuse('INTERNAL');
    else this.close('INTERNAL');
    tellProgram(error);
  }

  /** The peer refused or ended the flow, or the session is lost. */
  onDead(code: FailureCode): void {
    if (this.#state.dead) return;
    const { opening } = this.#state;
    const open = this.#opening;
    this.#die(code);
    if (opening === 'requested') callOut(() => open?.fail(code));
    else if (opening === 'offered') callOut(() => open?.abandon());
  }

  onDatagram(payload: Uint8Array): void {
    const datagram = this.#state.opening === 'requested' ? undefined : decodeDatagram(payload);
    if (datagram === undefined || (datagram.peer === undefined) !== (this.target !== undefined)) return;
    const { data, peer } = datagram;
    this.#received.datagrams += 1;
    this.#received.bytes += data.length;
    const sink = this.#sink;
    if (sink !== undefined) return this.#tell(() => sink.onDatagram(data, peer));
    if (this.#earlyBytes + payload.length > EARLY_WINDOW || this.#early.length === MAX_EARLY) {
      this.#drops.full += 1;
      return;
    }
    this.#earlyBytes += payload.length;
    const copy = allocateAlone(data.length);
    copy.set(data);
    this.#early.push({ data: copy, peer });
  }

  /** Its beginning was said on the present transport, or the peer has it. */
  get #hasBegun(): boolean {
    return this.#begunBy !== undefined && this.#carrier.framesCarried > this.#begunBy;
  }

  get hasUnkept(): boolean {
    return this.#hasBegun && !this.#queue.isEmpty;
  }

  get sendable(): boolean {
    return this.#farewell !== undefined || this.#opening?.hasFrame === true || this.hasUnkept;
  }

  takeFrame(): Frame | undefined {
    if (!this.sendable) return undefined;
    const first = this.#opening?.takeFrame();
    if (first !== undefined) {
      this.#begunBy = this.#carrier.framesMade;
      if (this.#state.opening === 'open') this.#opening = undefined;
      return first;
    }
    const last = this.#farewell;
    this.#farewell = undefined;
    return last ?? this.takeUnkept();
  }

  takeUnkept(): Frame | undefined {
    const payload = this.hasUnkept ? this.#queue.take(this.#carrier.now()) : undefined;
    if (payload === undefined) return undefined;
    this.#sent.datagrams += 1;
    this.#sent.bytes += payload.length - (headLength(payload) ?? 0);
    return { type: FrameType.datagram, channel: this.#id, payload };
  }

  #die(code: FailureCode): void {
    this.#state.dead = true;
    this.#failure = code;
    this.#queue.clear();
    this.#early = [];
    this.#sink = undefined;
    this.#opening = undefined;
    this.#carrier.onFlowOver(this);
    const listeners = this.#overListeners;
    this.#overListeners = [];
    for (const listener of listeners) callOut(listener);
  }
}

/** What a flow asks of the session that carries it. */
export interface FlowCarrier {
  /** No session is behind it. */
  readonly isNowhere?: boolean;
  /** Where datagrams wait. */
  readonly datagrams: DatagramStore;
  /** Sequenced frames made so far, and those of them that the present transport has carried, or need not. */
  readonly framesMade: number;
  readonly framesCarried: number;
  now(): number;
  /** `takeFrame` has something now: a frame that counts. */
  onSendable(flow: SessionFlow): void;
  /** Something waits: it need not leave at once. */
  onDatagrams(flow: SessionFlow): void;
  /** Nothing can happen any more, except that `takeFrame` may hold a last frame. */
  onFlowOver(flow: SessionFlow): void;
}

/** Numbers leave in their order, so a flow that has to wait takes none. */
const NO_NUMBER = 0;
/** Datagrams that wait for a sink, at most. */
const MAX_EARLY = 64;
