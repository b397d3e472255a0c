import { callOut, inTurn } from '../call-out.js';
import { EARLY_WINDOW } from '../constants.js';
import type { FailureCode } from '../failures.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import type { Return } from '../flow/send-window.js';
import { dataTypeFor } from '../frame/frame.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { Target } from '../target.js';
import type { FrameSizer } from './byte-queue.js';
import type { ChannelFigures, OfferedChannel, Progress } from './channel.js';
import { channelFrames } from './channel-frames.js';
import { type ChannelState, isOver, newState } from './channel-state.js';
import type { ChannelSink, OpenHandler } from './handlers.js';
import { type Beginning, Opening } from './opening.js';
import { ReceivingHalf } from './receiving-half.js';
import type { Sender, Turn } from './sender.js';
import { SendingHalf } from './sending-half.js';

/** A channel with what only the session does that carries it. Either direction has a window of its own. */
export class SessionChannel implements OfferedChannel, Sender {
  readonly target: Target;

  #id: number;
  #carrier: Carrier;
  /** Until it is open, and has said so. */
  #opening: Opening | undefined;
  readonly #state: ChannelState;
  readonly #sending: SendingHalf;
  /** The session hands it what comes, once it has judged it by `state`. */
  readonly receiving: ReceivingHalf;
  /** The RESET or OPEN_FAIL that ends a dead channel. */
  #farewell: SequencedFrame | undefined;
  #resetAfterData: FailureCode | undefined;
  #granted = false;
  turn: Turn | undefined;
  #failure: FailureCode | undefined;
  readonly #openedAt: number;
  /** Until it is over. */
  #onOver: (() => void) | undefined;

  private constructor(id: number, target: Target, carrier: Carrier, opening: Opening, credit?: number) {
    this.#id = id;
    this.target = target;
    this.#carrier = carrier;
    this.#opening = opening;
    this.#state = newState(credit === undefined ? 'requested' : 'offered');
    this.#openedAt = carrier.now();
    this.#sending = new SendingHalf(carrier.memory, carrier.queues, credit);
    this.receiving = new ReceivingHalf(this, carrier.budget, this.#openedAt);
  }

  /** The opener's end: sends OPEN, or what it begins with in place of that, and early data right behind it. */
  static request(
    id: number,
    target: Target,
    carrier: Carrier,
    opener: OpenHandler,
    beginning?: Beginning,
  ): SessionChannel {
    const channel = new SessionChannel(id, target, carrier, new Opening(opener, beginning));
    channel.#announce();
    return channel;
  }

  /** The other end, waiting for `accept` or `refuse`. */
  static offer(id: number, target: Target, carrier: Carrier, window: number): SessionChannel {
    return new SessionChannel(id, target, carrier, new Opening(), window);
  }

  get id(): number {
    return this.#id;
  }

  get state(): Readonly<ChannelState> {
    return this.#state;
  }

  get memory(): SlabPool {
    return this.#carrier.memory;
  }

  get bytesSent(): number {
    return this.#sending.window.sent;
  }

  get figures(): ChannelFigures {
    return {
      age: this.#carrier.now() - this.#openedAt,
      bytesSent: this.bytesSent,
      bytesReceived: this.receiving.window.received,
      windowStalls: this.#sending.stalls,
      isStalled: !this.#sending.isEmpty && !this.#sending.hasCredit,
      ...this.#carrier.progress(),
      failure: this.#failure,
    };
  }

  ask(): void {
    this.#carrier.ask();
  }

  onOver(listener: () => void): void {
    if (isOver(this.#state)) listener();
    else this.#onOver = this.#onOver === undefined ? listener : inTurn(this.#onOver, listener);
  }

  onAbandoned(listener: () => void): void {
    this.#opening?.onAbandoned(listener);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state.dead || this.#state.sending !== 'open' || chunk.length === 0) return true;
    // Anyone who asks expects an answer: its window is told ahead of the question.
    if (this.#isReceiving && this.receiving.window.widen()) this.#grant();
    const mayGoOn = this.#sending.push(chunk, this.#carrier);
    this.#carrier.onSendable(this);
    return mayGoOn;
  }

  get appetite(): number {
    return this.#sending.appetite(this.#carrier);
  }

  end(failure?: FailureCode): void {
    if (failure !== undefined && this.#sending.isEmpty) return this.reset(failure);
    const { dead, sending } = this.#state;
    if (dead || (sending !== 'open' && failure === undefined)) return;
    this.#state.sending = 'ending';
    this.#resetAfterData = failure;
    this.#carrier.onSendable(this);
  }

  reset(code: FailureCode = 'CANCELLED'): void {
    if (this.#state.dead) return;
    if (this.isUnsent) this.#opening?.takeFrame();
    else this.#farewell = channelFrames.reset(this.#id, code);
    this.#hush();
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  /** The opener is told success before the peer has answered; should it fail, the channel is reset. */
  assumeOpen(): void {
    if (!this.#state.dead && this.#state.opening === 'requested') this.#tellOpen(this.#opening);
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
    const limit = this.#isReceiving ? this.receiving.window.open() : this.grantedLimit;
    this.#opening?.settle(channelFrames.openOk(this.#id, limit));
    this.#carrier.onSendable(this);
  }

  refuse(code: FailureCode): void {
    if (this.#state.dead || this.#state.opening !== 'offered') return;
    this.#farewell = channelFrames.openFail(this.#id, code);
    this.#hush();
    this.#die(code);
    this.#carrier.onSendable(this);
  }

  start(sink: ChannelSink): void {
    const lost = this.receiving.start(sink);
    if (lost > 0) this.consumed(lost);
  }

  consumed(bytes: number): void {
    const { window } = this.receiving;
    if (this.#state.dead || this.#state.receiving !== 'open') return window.drain(bytes);
    if (window.consume(bytes, this.#carrier.now(), this.#carrier.roundTrip()) && this.#isReceiving) this.#grant();
  }

  get #isReceiving(): boolean {
    return this.#state.opening === 'open' && this.#state.receiving === 'open';
  }

  #grant(): void {
    this.#granted = true;
    this.#carrier.onGrant(this);
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

  /** Leaves its session, to be carried nowhere until it moves to the next one; right only while no peer has dialled it. */
  leave(limbo: Carrier): void {
    this.receiving.window.close();
    this.#sending.moveTo(limbo.queues);
    this.#carrier = limbo;
  }

  /** Goes over to another session, under another number; right only while it is adrift. */
  move(id: number, carrier: Carrier): void {
    this.#id = id;
    this.#carrier = carrier;
    this.receiving.moveTo(carrier.budget, carrier.now());
    this.#sending.moveTo(carrier.queues);
    this.#sending.rewind();
    if (this.#state.sending === 'ended') this.#state.sending = 'ending';
    this.#announce();
  }

  /** What it begins with in place of OPEN; undefined once it is open. */
  get beginning(): Beginning | undefined {
    return this.#opening?.beginning;
  }

  #announce(): void {
    const window = this.receiving.window.open();
    this.#opening?.say(this.beginning?.frame(this.#id, window) ?? channelFrames.open(this.#id, this.target, window));
    this.#carrier.onSendable(this);
  }

  onOpened(window: number): void {
    this.#state.opening = 'open';
    this.#sending.open(window);
    const opening = this.#opening;
    this.#opening = undefined;
    this.#tellOpen(opening);
    this.#carrier.onSendable(this);
  }

  #tellOpen(opening: Opening | undefined): void {
    callOut(
      () => opening?.succeed(),
      (error) => this.onThrown(error),
    );
  }

  /** Who uses it has thrown `error` when it was told something. */
  onThrown(error: unknown): void {
    if (this.#state.opening === 'offered') this.refuse('INTERNAL');
    else this.reset('INTERNAL');
    this.receiving.fail(error);
  }

  onFin(): void {
    this.#state.receiving = 'ended';
    this.receiving.end();
    this.#settle();
  }

  /** The peer refused or reset the channel, or the session is lost. */
  onDead(code: FailureCode): void {
    if (this.#state.dead) return;
    const opening = this.#state.opening;
    this.#die(code);
    if (opening === 'requested') return this.#tellFailure(code);
    if (opening === 'open') return this.receiving.reset(code);
    this.#hush();
    callOut(() => this.#opening?.abandon());
  }

  #tellFailure(code: FailureCode): void {
    // It was told success already.
    if (this.#opening?.isTold !== false) return this.receiving.reset(code);
    this.#hush();
    callOut(() => this.#opening?.fail(code));
  }

  /** Nobody will be told anything any more, nor ever take what has arrived. */
  #hush(): void {
    this.receiving.window.drain(this.receiving.silence());
  }

  /** Told by WINDOW; or by RETURNED, when we gave credit back and had `seen` this limit until then. */
  onLimit(limit: number, seen?: number): void {
    if (seen === undefined) this.#sending.window.raise(limit);
    else this.#sending.window.settle(seen, limit);
    this.#carrier.onSendable(this);
  }

  /** It may send more than an idle channel needs. */
  get hasSurplus(): boolean {
    return !this.#state.dead && this.#state.sending === 'open' && this.#sending.window.credit > EARLY_WINDOW;
  }

  /** Gives back credit that nobody uses; false when there is none, or something waits to be sent with it. */
  giveBack(): boolean {
    if (this.#state.opening !== 'open' || !this.#sending.isEmpty) return false;
    return this.#sending.window.giveBack(EARLY_WINDOW);
  }

  /** What RETURN tells the peer, while that is not answered. */
  get returning(): Return | undefined {
    return this.#state.dead || this.#state.sending === 'ended' ? undefined : this.#sending.window.returning;
  }

  /** The peer gives back what we granted it. */
  onReturn({ seen, keep }: Return): void {
    this.receiving.window.takeBack(seen, keep, this.#carrier.now());
  }

  /** Whether a WINDOW was ever due: only then does it need to be told again after a resume. */
  get hasGranted(): boolean {
    return this.#granted;
  }

  /** The limit that WINDOW tells the peer. */
  get grantedLimit(): number {
    return this.receiving.window.limit;
  }

  get sendable(): boolean {
    if (this.#farewell !== undefined || this.#opening?.hasFrame === true) return true;
    if (this.#state.dead || this.#state.opening === 'offered') return false;
    return this.#sending.isEmpty ? this.#state.sending === 'ending' : this.#sending.hasCredit;
  }

  takeFrame(limit: number): SequencedFrame | undefined {
    if (!this.sendable) return undefined;
    const first = this.#opening?.takeFrame();
    if (first !== undefined) {
      if (this.#state.opening === 'open') this.#opening = undefined;
      return first;
    }
    if (this.#state.dead) {
      const last = this.#farewell;
      this.#farewell = undefined;
      return last;
    }
    if (!this.#sending.isEmpty) return this.#takeData(limit);
    if (this.#resetAfterData !== undefined) {
      this.reset(this.#resetAfterData);
      return this.takeFrame(limit);
    }
    this.#state.sending = 'ended';
    this.#settle();
    return channelFrames.fin(this.#id);
  }

  #takeData(limit: number): SequencedFrame | undefined {
    const payload = this.#sending.take(limit);
    if (payload === undefined) return undefined;
    if (this.#sending.resumesSource(this.#carrier)) this.receiving.writable();
    return { type: dataTypeFor(payload.length), channel: this.#id, payload };
  }

  #die(code: FailureCode): void {
    this.#state.dead = true;
    this.#failure = code;
    this.#sending.clear();
    this.#settle();
  }

  #settle(): void {
    if (!isOver(this.#state)) return;
    this.receiving.window.close();
    this.#carrier.onOver(this);
    const onOver = this.#onOver;
    this.#onOver = undefined;
    if (onOver !== undefined) callOut(onOver);
  }
}

/** What a channel asks of the session that carries it: its one owner, which every queue that names it has to ask for. */
export interface Carrier extends FrameSizer {
  /** No session is behind it. */
  readonly isNowhere?: boolean;
  /** Where the bytes lie that the channel is given, and brings. */
  readonly memory: SlabPool;
  /** What the windows of all channels may hold together. */
  readonly budget: MemoryBudget;
  /** Of all channels together. */
  progress(): Progress;
  /** As `Channel.ask`. */
  ask(): void;
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
