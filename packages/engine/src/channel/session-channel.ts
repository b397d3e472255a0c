import { EARLY_WINDOW } from '../constants.js';
import { FAILURES, type FailureCode } from '../failures.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import type { ReceiveWindow } from '../flow/receive-window.js';
import { type Return, SendWindow } from '../flow/send-window.js';
import { FrameType } from '../frame/frame.js';
import { encodeFailure, encodeOpen, encodeWord } from '../frame/payload.js';
import { keep } from '../memory/slabs.js';
import { unpinned } from '../memory/unpinned.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { Target } from '../target.js';
import { ByteQueue } from './byte-queue.js';
import type { ChannelFigures, OfferedChannel } from './channel.js';
import { type ChannelState, isOver, newState } from './channel-state.js';
import { Delivery } from './delivery.js';
import type { ChannelSink, OpenHandler } from './handlers.js';
import { newWindow } from './new-window.js';

const NOBODY: readonly (() => void)[] = [];

/** A channel with what only the session does that carries it. Either direction has a window of its own. */
export class SessionChannel implements OfferedChannel {
  readonly target: Target;

  #id: number;
  #carrier: Carrier;
  /** Until it was told. */
  #opener: OpenHandler | undefined;
  readonly #state: ChannelState;
  #sendWindow: SendWindow;
  #receiveWindow: ReceiveWindow;
  readonly #queue: ByteQueue;
  /** Frames that go before any data: OPEN, or the answer to it. */
  #preface: SequencedFrame | undefined;
  /** The RESET or OPEN_FAIL that ends a dead channel. */
  #farewell: SequencedFrame | undefined;
  #resetAfterData: FailureCode | undefined;
  #sourcePaused = false;
  #granted = false;
  #failure: FailureCode | undefined;
  #windowStalls = 0;
  readonly #openedAt: number;
  /** Until it was answered. */
  #abandonedListeners = NOBODY;
  /** Until it is over. */
  #overListeners = NOBODY;

  readonly #delivery = new Delivery();

  private constructor(id: number, target: Target, carrier: Carrier, opener: OpenHandler | undefined, credit: number) {
    this.#id = id;
    this.target = target;
    this.#carrier = carrier;
    this.#opener = opener;
    this.#sendWindow = new SendWindow(credit, opener !== undefined);
    // What leaves before the answer may have to be said again, to another peer.
    this.#queue = new ByteQueue(carrier.queues, opener !== undefined);
    this.#state = newState(opener === undefined ? 'offered' : 'requested');
    this.#receiveWindow = newWindow(carrier.budget, carrier.now());
    this.#openedAt = carrier.now();
  }

  /** The opener's end: sends OPEN, and early data right behind it. */
  static request(id: number, target: Target, carrier: Carrier, opener: OpenHandler): SessionChannel {
    const channel = new SessionChannel(id, target, carrier, opener, EARLY_WINDOW);
    channel.#announce();
    return channel;
  }

  /** The other end, waiting for `accept` or `refuse`. */
  static offer(id: number, target: Target, carrier: Carrier, window: number): SessionChannel {
    return new SessionChannel(id, target, carrier, undefined, window);
  }

  get id(): number {
    return this.#id;
  }

  get state(): Readonly<ChannelState> {
    return this.#state;
  }

  get bytesSent(): number {
    return this.#sendWindow.sent;
  }

  get figures(): ChannelFigures {
    return {
      age: this.#carrier.now() - this.#openedAt,
      bytesSent: this.bytesSent,
      bytesReceived: this.#receiveWindow.received,
      windowStalls: this.#windowStalls,
      isStalled: this.#queue.length > 0 && this.#sendWindow.credit === 0 && this.#carrier.isAttached(),
      failure: this.#failure,
    };
  }

  onOver(listener: () => void): void {
    if (isOver(this.#state)) listener();
    else this.#overListeners = [...this.#overListeners, listener];
  }

  onAbandoned(listener: () => void): void {
    this.#abandonedListeners = [...this.#abandonedListeners, listener];
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state.dead || this.#state.sending !== 'open' || chunk.length === 0) return true;
    if (this.#queue.length === 0 && this.#sendWindow.credit === 0) this.#windowStalls += 1;
    // Whoever asks expects an answer: its window is told ahead of the question.
    if (this.#isReceiving && this.#receiveWindow.widen()) this.#grant();
    this.#queue.push(keep(unpinned(chunk)));
    this.#carrier.onSendable(this);
    if (this.#queue.length >= this.#queue.highWater) this.#sourcePaused = true;
    return !this.#sourcePaused;
  }

  get isTight(): boolean {
    return this.#queue.isTight;
  }

  end(failure?: FailureCode): void {
    if (failure !== undefined && this.#queue.length === 0) return this.reset(failure);
    const { dead, sending } = this.#state;
    if (dead || (sending !== 'open' && failure === undefined)) return;
    this.#state.sending = 'ending';
    this.#resetAfterData = failure;
    this.#carrier.onSendable(this);
  }

  reset(code: FailureCode = 'CANCELLED'): void {
    if (this.#state.dead) return;
    if (this.isUnsent) this.#preface = undefined;
    else this.#farewell = { type: FrameType.reset, channel: this.id, payload: encodeFailure(FAILURES[code].wire) };
    this.#hush();
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  /** The opener is told success before the peer has answered; should it fail, the channel is reset. */
  assumeOpen(): void {
    if (!this.#state.dead && this.#state.opening === 'requested') this.#tellOpen();
  }

  /** The peer takes too long to answer: the opener is told `code`, and the channel is over. */
  giveUp(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'requested') return;
    this.reset(code);
    this.#tellFailure(code);
  }

  accept(): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#state.opening = 'open';
    this.#abandonedListeners = NOBODY;
    const limit = this.#isReceiving ? this.#receiveWindow.open() : this.grantedLimit;
    this.#preface = { type: FrameType.openOk, channel: this.id, payload: encodeWord(limit) };
    this.#carrier.onSendable(this);
  }

  refuse(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#farewell = { type: FrameType.openFail, channel: this.id, payload: encodeFailure(FAILURES[code].wire) };
    this.#hush();
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  start(sink: ChannelSink): void {
    const lost = this.#delivery.start(sink);
    if (lost > 0) this.consumed(lost);
  }

  consumed(bytes: number): void {
    if (this.#state.dead || this.#state.receiving !== 'open') return this.#receiveWindow.drain(bytes);
    if (this.#receiveWindow.consume(bytes, this.#carrier.now(), this.#carrier.roundTrip()) && this.#isReceiving)
      this.#grant();
  }

  get #isReceiving(): boolean {
    return this.#state.opening === 'open' && this.#state.receiving === 'open';
  }

  #grant(): void {
    this.#granted = true;
    this.#carrier.onGrant(this);
  }

  /** OPEN still waits: no peer has heard of this channel. */
  get isUnsent(): boolean {
    return this.#preface?.type === FrameType.open;
  }

  isCarriedBy(carrier: Carrier): boolean {
    return this.#carrier === carrier;
  }

  get isCarriedNowhere(): boolean {
    return this.#carrier.isNowhere === true;
  }

  /** Leaves its session, to be carried nowhere until it moves to the next one; right only while no peer has dialled it. */
  leave(limbo: Carrier): void {
    this.#receiveWindow.close();
    this.#queue.moveTo(limbo.queues);
    this.#carrier = limbo;
  }

  /** Goes over to another session, under another number; right only while it is adrift. */
  move(id: number, carrier: Carrier): void {
    this.#receiveWindow = newWindow(carrier.budget, carrier.now());
    this.#queue.moveTo(carrier.queues);
    this.#id = id;
    this.#carrier = carrier;
    this.#sendWindow = new SendWindow(EARLY_WINDOW, true);
    this.#queue.rewind();
    if (this.#state.sending === 'ended') this.#state.sending = 'ending';
    this.#announce();
  }

  #announce(): void {
    const payload = encodeOpen({ window: this.#receiveWindow.open(), target: this.target });
    this.#preface = { type: FrameType.open, channel: this.#id, payload };
    this.#carrier.onSendable(this);
  }

  onOpened(window: number): void {
    this.#state.opening = 'open';
    this.#queue.commit();
    this.#sendWindow.open(window);
    this.#tellOpen();
    this.#carrier.onSendable(this);
  }

  /** `isMore`: the piece does not complete its frame. False when the peer sent more than its window. */
  onData(piece: Uint8Array, isMore = false): boolean {
    if (!this.#receiveWindow.receive(piece.length)) return false;
    this.#delivery.data(piece, isMore);
    return true;
  }

  onFin(): void {
    this.#state.receiving = 'ended';
    this.#receiveWindow.close();
    this.#delivery.end();
    this.#settle();
  }

  /** The peer refused or reset the channel, or the session is lost. */
  onDead(code: FailureCode): void {
    if (this.#state.dead) return;
    const opening = this.#state.opening;
    this.#die(code);
    if (opening === 'requested') return this.#tellFailure(code);
    if (opening === 'open') return this.#delivery.reset(code);
    this.#hush();
    for (const listener of this.#abandonedListeners) listener();
  }

  #tellOpen(): void {
    const opener = this.#opener;
    this.#opener = undefined;
    opener?.onOpen();
  }

  #tellFailure(code: FailureCode): void {
    const opener = this.#opener;
    this.#opener = undefined;
    // It was told success already.
    if (opener === undefined) return this.#delivery.reset(code);
    this.#hush();
    opener.onFail(code);
  }

  /** Nobody will be told anything any more, nor ever take what has arrived. */
  #hush(): void {
    this.#receiveWindow.drain(this.#delivery.silence());
  }

  /** Told by WINDOW; or by RETURNED, when we gave credit back and had `seen` this limit until then. */
  onLimit(limit: number, seen?: number): void {
    if (seen === undefined) this.#sendWindow.raise(limit);
    else this.#sendWindow.settle(seen, limit);
    this.#carrier.onSendable(this);
  }

  /** It may send more than an idle channel needs. */
  get hasSurplus(): boolean {
    return !this.#state.dead && this.#state.sending === 'open' && this.#sendWindow.credit > EARLY_WINDOW;
  }

  /** Gives back credit that nobody uses; false when there is none, or something waits to be sent with it. */
  giveBack(): boolean {
    if (this.#state.opening !== 'open' || this.#queue.length > 0) return false;
    return this.#sendWindow.giveBack(EARLY_WINDOW);
  }

  /** What RETURN tells the peer, while that is not answered. */
  get returning(): Return | undefined {
    return this.#state.dead || this.#state.sending === 'ended' ? undefined : this.#sendWindow.returning;
  }

  /** The peer gives back what we granted it. */
  onReturn({ seen, keep }: Return): void {
    this.#receiveWindow.takeBack(seen, keep, this.#carrier.now());
  }

  /** Whether a WINDOW was ever due: only then does it need to be told again after a resume. */
  get hasGranted(): boolean {
    return this.#granted;
  }

  /** The limit that WINDOW tells the peer. */
  get grantedLimit(): number {
    return this.#receiveWindow.limit;
  }

  /** Whether `takeFrame` would give one. */
  get sendable(): boolean {
    if (this.#farewell !== undefined || this.#preface !== undefined) return true;
    if (this.#state.dead || this.#state.opening === 'offered') return false;
    return this.#queue.length > 0 ? this.#sendWindow.credit > 0 : this.#state.sending === 'ending';
  }

  /** The next frame in the channel's order, with at most `limit` bytes of data. */
  takeFrame(limit: number): SequencedFrame | undefined {
    if (!this.sendable) return undefined;
    const first = this.#preface;
    if (first !== undefined) {
      this.#preface = undefined;
      return first;
    }
    if (this.#state.dead) {
      const last = this.#farewell;
      this.#farewell = undefined;
      return last;
    }
    if (this.#queue.length > 0) return this.#takeData(limit);
    if (this.#resetAfterData !== undefined) {
      this.reset(this.#resetAfterData);
      return this.takeFrame(limit);
    }
    this.#state.sending = 'ended';
    this.#settle();
    return { type: FrameType.fin, channel: this.id, payload: undefined };
  }

  #takeData(limit: number): SequencedFrame | undefined {
    const payload = this.#queue.take(Math.min(limit, this.#sendWindow.credit));
    if (payload === undefined) return undefined;
    this.#sendWindow.spend(payload.length);
    if (this.#queue.length > 0 && this.#sendWindow.credit === 0) this.#windowStalls += 1;
    this.#resumeSource();
    return { type: FrameType.data, channel: this.id, payload };
  }

  #resumeSource(): void {
    if (!this.#sourcePaused || this.#queue.length > this.#queue.highWater / 2) return;
    this.#sourcePaused = false;
    this.#delivery.writable();
  }

  #die(code: FailureCode): void {
    this.#state.dead = true;
    this.#failure = code;
    this.#queue.clear();
    this.#settle();
  }

  #settle(): void {
    if (!isOver(this.#state)) return;
    this.#receiveWindow.close();
    this.#carrier.onOver(this);
    const listeners = this.#overListeners;
    this.#overListeners = NOBODY;
    for (const listener of listeners) listener();
  }
}

/** What a channel asks of the session that carries it: its one owner, which every queue that names it has to ask for. */
export interface Carrier {
  /** No session is behind it. */
  readonly isNowhere?: boolean;
  /** What the windows of all channels may hold together. */
  readonly budget: MemoryBudget;
  /** The peer is there, so that what it does not take waits for it alone. */
  isAttached(): boolean;
  /** What may wait in all of them to be sent. */
  readonly queues: MemoryBudget;
  /** The session's clock, and the path's lowest round trip, ms. */
  now(): number;
  roundTrip(): number;
  /** `takeFrame` has something now. */
  onSendable(channel: SessionChannel): void;
  /** `grantedLimit` has risen enough to tell the peer. */
  onGrant(channel: SessionChannel): void;
  /** Nothing can happen on this channel any more, except that `takeFrame` may hold a last frame. */
  onOver(channel: SessionChannel): void;
}
