import { callOut } from '../call-out.js';
import { channelFrames } from '../channel/channel-frames.js';
import type { Sender, Turn } from '../channel/sender.js';
import type { FlowState, Peer } from '../datagram/flow.js';
import type { FailureCode } from '../failures.js';
import { type Frame, FrameType } from '../frame/frame.js';
import { encodeListening, type ListenRequest } from '../frame/listen.js';
import { LastTurn } from './last-turn.js';
import type { ListenerFigures, ListenHandler, OfferedListener } from './listener.js';

/** A remote listener with what only the session does that has it. It never leaves that. */
export class SessionListener implements OfferedListener, Sender {
  readonly request: ListenRequest;
  /** Of the end that has asked for it: told what comes of it. */
  readonly handler: ListenHandler | undefined;
  turn: Turn | undefined;

  #id: number;
  readonly #carrier: ListenerCarrier;
  readonly #state: { -readonly [K in keyof FlowState]: FlowState[K] };
  /** What LISTEN says, until it has a number to be said with. */
  #wish: Uint8Array | undefined;
  /** LISTEN or LISTENING, until it was sent; and the RESET or OPEN_FAIL that ends it. */
  #first: Frame | undefined;
  #farewell: Frame | undefined;
  #isEnding = false;
  readonly #openedAt: number;
  #failure: FailureCode | undefined;
  #overListeners: (() => void)[] = [];
  #abandonedListeners: (() => void)[] = [];

  private constructor(id: number, request: ListenRequest, carrier: ListenerCarrier, handler?: ListenHandler) {
    this.#id = id;
    this.request = request;
    this.#carrier = carrier;
    this.handler = handler;
    this.#state = { opening: handler === undefined ? 'offered' : 'requested', dead: false };
    this.#openedAt = carrier.now();
  }

  /** The end that asks, by `wish`, the payload of LISTEN. It takes no number yet. */
  static request(
    request: ListenRequest,
    wish: Uint8Array,
    carrier: ListenerCarrier,
    handler: ListenHandler,
  ): SessionListener {
    const listener = new SessionListener(NO_NUMBER, request, carrier, handler);
    listener.#wish = wish;
    return listener;
  }

  /** The other end, waiting for `accept` or `refuse`. */
  static offer(id: number, request: ListenRequest, carrier: ListenerCarrier): SessionListener {
    return new SessionListener(id, request, carrier);
  }

  get id(): number {
    return this.#id;
  }

  get state(): Readonly<FlowState> {
    return this.#state;
  }

  get figures(): ListenerFigures {
    return { age: this.#carrier.now() - this.#openedAt, failure: this.#failure };
  }

  onOver(listener: () => void): void {
    if (this.#state.dead) listener();
    else this.#overListeners.push(listener);
  }

  onAbandoned(listener: () => void): void {
    this.#abandonedListeners.push(listener);
  }

  /** The peer listens for others, and this is its number: LISTEN goes. */
  begin(id: number): void {
    this.#id = id;
    this.#first = { type: FrameType.listen, channel: id, payload: this.#wish };
    this.#wish = undefined;
    this.#carrier.onSendable(this);
  }

  accept(address: Peer): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    const payload = encodeListening(address);
    if (payload === undefined) return this.refuse('BAD_TARGET');
    this.#state.opening = 'open';
    this.#abandonedListeners = [];
    this.#first = { type: FrameType.listening, channel: this.#id, payload };
    this.#carrier.onSendable(this);
  }

  refuse(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#farewell = channelFrames.openFail(this.#id, code);
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  close(code: FailureCode = 'CANCELLED'): void {
    if (this.#state.dead) return;
    if (this.#first?.type === FrameType.listen) this.#first = undefined;
    else if (this.#id !== NO_NUMBER) this.#farewell = channelFrames.reset(this.#id, code);
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  end(): void {
    if (this.#state.dead || this.#isEnding) return;
    if (this.#id === NO_NUMBER || this.#first !== undefined) return this.close();
    this.#isEnding = true;
    this.#first = channelFrames.fin(this.#id);
    this.#carrier.onSendable(this);
  }

  /** What has arrived before its end is still told. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** FIN of the peer is right: of a client, and of a server that listens as the answer to that. */
  get mayEnd(): boolean {
    return this.handler === undefined || (this.#isEnding && this.#state.opening === 'open');
  }

  /** The peer wants no more: it is over, behind what has arrived already. Or it has answered the same. */
  onFin(): void {
    if (this.#isEnding) return this.#die('CANCELLED');
    this.#isEnding = true;
    const isOffered = this.#state.opening === 'offered';
    if (isOffered) this.#farewell = channelFrames.openFail(this.#id, 'CANCELLED');
    this.#carrier.onSendable(isOffered ? this : new LastTurn(this.#id, this.#carrier));
    this.onDead('CANCELLED');
  }

  onListening(address: Peer): void {
    this.#state.opening = 'open';
    callOut(() => this.handler?.onListening(address));
  }

  /** The peer refused or ended it, or the session is lost. */
  onDead(code: FailureCode): void {
    if (this.#state.dead) return;
    const { opening } = this.#state;
    const abandoned = this.#abandonedListeners;
    this.#die(code);
    if (opening === 'requested') callOut(() => this.handler?.onFail(code));
    else if (opening === 'open') callOut(() => this.handler?.onOver(code));
    else for (const listener of abandoned) callOut(listener);
  }

  isCarriedBy(carrier: object): boolean {
    return this.#carrier === carrier;
  }

  get sendable(): boolean {
    return this.#first !== undefined || this.#farewell !== undefined;
  }

  takeFrame(): Frame | undefined {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    const last = this.#farewell;
    this.#farewell = undefined;
    return last;
  }

  #die(code: FailureCode): void {
    this.#state.dead = true;
    this.#failure = code;
    this.#wish = undefined;
    this.#abandonedListeners = [];
    this.#carrier.onListenerOver(this);
    const listeners = this.#overListeners;
    this.#overListeners = [];
    for (const listener of listeners) callOut(listener);
  }
}

/** What a listener asks of the session that has it. */
export interface ListenerCarrier {
  now(): number;
  /** `takeFrame` has something now. */
  onSendable(sender: Sender): void;
  /** Nothing can happen any more, except that `takeFrame` may hold a last frame. */
  onListenerOver(listener: SessionListener): void;
}

/** Numbers leave in their order, so a listener that has to wait takes none. */
const NO_NUMBER = 0;
