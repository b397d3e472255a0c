import type { Channel } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import { isAdrift, nowhere } from '../channel/nowhere.js';
import { type Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import {
  CLIENT_WATCH_INTERVAL,
  CloseCode,
  MAX_PING_INTERVAL,
  MIN_PING_INTERVAL,
  PING_INTERVAL,
  QUEUE_LIMIT,
  REPLAY_FLOOR,
  REPLAY_LIMIT,
  SERVER_WATCH_INTERVAL,
  WINDOW_BUDGET,
  WINDOW_FLOOR,
} from '../constants.js';
import { type ProtocolError, violation } from '../errors.js';
import type { FailureCode } from '../failures.js';
import { MemoryBudget, type ProcessBudgets } from '../flow/memory-budget.js';
import { Capability, OFFERED } from '../frame/capabilities.js';
import { FrameDecoder } from '../frame/decode.js';
import { FrameType } from '../frame/frame.js';
import { encodeGoAway, GoAway } from '../frame/payload.js';
import { holds } from '../invariant.js';
import { parseHost, parsePort, type Target } from '../target.js';
import type { Transport } from '../transport.js';
import { Acceptor } from './acceptor.js';
import { Channels } from './channels.js';
import { Heartbeat } from './heartbeat.js';
import { Inbox } from './inbox.js';
import { Link } from './link.js';
import { Outbox } from './outbox.js';
import { Prober } from './prober.js';
import { Returner } from './returner.js';
import type { Loss, SessionOptions } from './session-options.js';
import { stillbornChannel } from './stillborn-channel.js';

/** Takes the frames of the handshake, HELLO and RESUME. May throw ProtocolError. */
export type OnHandshake = (type: number, payload: Uint8Array) => void;

/** What two peers share: channels, counts, the replay buffer. Outlives any one transport, and never dials. */
export class Session {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #prober: Prober;
  readonly #inbox: Inbox;
  readonly #carrier: Carrier;
  #link: Link | undefined;
  #heartbeat: Heartbeat | undefined;
  #onHandshake: OnHandshake | undefined;
  #closed = false;
  /** Transports that have gone live, the first one included. */
  #lives = 0;
  readonly #returner: Returner;
  #capabilities: number | undefined;
  #pingInterval = PING_INTERVAL;
  /** When the channels must be over, by the clock; undefined while there is no drain. */
  #drainEnd: number | undefined;

  constructor(options: SessionOptions) {
    const { clock, processBudgets } = options;
    this.#options = options;
    this.#clock = clock;
    if (options.heartbeat !== undefined) this.setHeartbeat(options.heartbeat);
    this.#channels = new Channels(options.role, options.lastChannel);
    this.#carrier = this.#createCarrier(processBudgets);
    const replayBudget = new MemoryBudget(REPLAY_LIMIT, processBudgets?.replay, REPLAY_FLOOR);
    this.#outbox = new Outbox(clock, this.#carrier, replayBudget, options.replayPace);
    this.#prober = new Prober(clock, this.#outbox);
    this.#returner = new Returner(clock, this.#outbox);
    const acceptor = new Acceptor(options, this.#channels, this.#outbox, this.#carrier);
    this.#inbox = new Inbox(this.#channels, this.#outbox, this.#prober, {
      onHandshake: (type, payload) => this.#onHandshake?.(type, payload),
      onOpen: (id, open) => this.#returner.watch(acceptor.take(id, open, this.#drainEnd !== undefined)),
      onUndialled: (channel) => this.#onUndialled(channel),
      onAcknowledged: () => this.#tellIdle(),
      onCredit: (channel) => this.#returner.watch(channel),
      has: (capability) => this.has(capability),
      onGoAway: (kind) => this.#onGoAway(kind),
    });
  }

  /** Silence after which it sends PING, ms; undefined for what is usual. */
  get heartbeat(): number | undefined {
    return this.#pingInterval === PING_INTERVAL ? undefined : this.#pingInterval;
  }

  /** From the next transport on, within the bounds of the protocol. */
  setHeartbeat(interval: number): void {
    this.#pingInterval = Math.min(MAX_PING_INTERVAL, Math.max(MIN_PING_INTERVAL, interval));
  }

  /** What both ends can do, for the life of the session; undefined while unknown, or when the peer knows of no such thing. */
  get capabilities(): number | undefined {
    return this.#capabilities;
  }

  has(capability: Capability): boolean {
    return ((this.#capabilities ?? 0) & capability) !== 0;
  }

  /** What the peer says that it can do: what this end can do too holds from here on. */
  agree(capabilities: number): void {
    this.#capabilities = capabilities & OFFERED;
    if (this.has(Capability.return)) this.#returner.agree();
  }

  get attached(): boolean {
    return this.#link !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Living channels. */
  get channelCount(): number {
    return this.#channels.size;
  }

  /** Living channels, oldest first; a copy. */
  get channels(): Channel[] {
    return this.#channels.all();
  }

  /** How often another transport went on where the last one had ended. */
  get resumes(): number {
    return Math.max(0, this.#lives - 1);
  }

  /** What is kept to be sent again, until the peer has acknowledged it; bytes of memory. */
  get replayBytes(): number {
    return this.#outbox.replay.bytes;
  }

  /** Bytes of an application have left, and the peer has not told that it has processed them. */
  get hasUnheardData(): boolean {
    return this.#outbox.replay.hasData;
  }

  /** Shortest round trip of the last seconds, ms; Infinity while unknown. */
  get roundTrip(): number {
    return this.#prober.lowest;
  }

  /** No channel lives, and the peer has processed all that was sent: the session may end, and nothing is lost with it. */
  get isIdle(): boolean {
    return this.#channels.size === 0 && this.#outbox.isEmpty;
  }

  /** Bytes sent and not acknowledged on the present transport: how busy this session is. */
  get bytesInFlight(): number {
    return this.#outbox.bytesInFlight;
  }

  /** When the peer gave the last sign of life, by the clock; undefined when detached. */
  get lastSign(): number | undefined {
    return this.#link?.lastSign;
  }

  /** Channels that we opened and the peer has not answered. */
  get unanswered(): Channel[] {
    return this.#channels.all().filter((channel) => channel.state.opening === 'requested');
  }

  /** Channels of ours that the peer has dialled since the session began. */
  get opened(): number {
    return this.#inbox.opened;
  }

  /** Sequenced frames that either end is known to have processed: grows only while a transport really carries. */
  get progress(): number {
    return this.#outbox.acknowledger.received + this.#outbox.replay.acknowledged;
  }

  /** Sequenced frames processed, and sent, since the session began. */
  get receivedCount(): number {
    return this.#outbox.acknowledger.received;
  }

  get sentCount(): number {
    return this.#outbox.replay.total;
  }

  /**
   * Opens a channel, attached or not: OPEN and what is written early wait for a transport. An `optimistic` one is open
   * for its handler as soon as the caller has returned, whatever the peer will say: a failure is then a reset. When that
   * cannot be, since the target is no valid host, the session is closed or its channel numbers have run out, the channel
   * fails as soon as the caller has returned.
   */
  open(target: Target, handler: OpenHandler, optimistic = false): Channel {
    const isValid = parseHost(target.host) !== undefined && parsePort(String(target.port)) !== undefined;
    if (!isValid) return stillbornChannel(this.#clock, handler, 'BAD_TARGET');
    const id = this.#takeId();
    if (id === undefined) return stillbornChannel(this.#clock, handler, 'SESSION_LOST');
    const channel = SessionChannel.request(id, target, this.#carrier, handler);
    this.#channels.add(channel);
    if (optimistic) this.#clock.defer(() => channel.assumeOpen());
    return channel;
  }

  /** The openers of those of `channels` that wait here for an answer are told `code`: it takes too long. */
  giveUp(channels: readonly Channel[], code: FailureCode): void {
    for (const channel of this.#channels.all()) if (channels.includes(channel)) channel.giveUp(code);
  }

  /** Takes a channel that another session has let go of: OPEN and what was written leave by this one. It fails when this one takes no more. */
  adopt(channel: Channel): void {
    if (channel.state.dead) return;
    if (!isAdrift(channel)) return void holds(false, 'a channel is adopted that another session carries');
    const id = this.#takeId();
    if (id === undefined) return channel.onDead('SESSION_LOST');
    channel.move(id, this.#carrier);
    this.#channels.add(channel);
  }

  #takeId(): number | undefined {
    const id = this.#closed ? undefined : this.#channels.takeId();
    // Later: whoever opens this one is not done with it yet.
    if (id !== undefined && this.#channels.isFirstOfFew(id)) this.#clock.defer(() => this.#options.onNumbersLow?.());
    return id;
  }

  /** Lets go of the channels of which the peer has never heard: another session may adopt them, and must. */
  releaseUnsent(): readonly Channel[] {
    const unsent = this.#channels.all().filter((channel) => channel.isUnsent);
    for (const channel of unsent) this.#letGo(channel);
    return unsent;
  }

  /**
   * The same for the channels whose OPEN the peer has not processed either: right only when it has told what it has, and
   * will process no more. Such a session must end then, since it would say those OPENs again.
   */
  releaseUnheard(): readonly Channel[] {
    const { unheard } = this.#outbox.replay;
    const isUnheard = ({ id, state }: Channel): boolean => state.opening === 'requested' && unheard.has(id);
    const channels = this.#channels.all().filter((channel) => channel.isUnsent || isUnheard(channel));
    for (const channel of channels) this.#letGo(channel);
    return channels;
  }

  #letGo(channel: SessionChannel): void {
    this.#channels.remove(channel);
    this.#outbox.release(channel);
    this.#returner.forget(channel);
    channel.leave(nowhere(this.#clock));
    this.#tellIdle();
  }

  #onUndialled(channel: SessionChannel): void {
    this.#letGo(channel);
    this.#options.onUndialled?.(channel);
    if (isAdrift(channel)) channel.onDead('GOING_AWAY');
  }

  /**
   * Takes `transport` in place of the present one, which is cut off first, so that nothing it still delivers counts.
   * Only control frames leave until `goLive`. `decoder` brings what was read ahead.
   */
  attach(transport: Transport, onHandshake: OnHandshake, decoder?: FrameDecoder): void {
    if (this.#closed) return transport.terminate();
    this.#unlink()?.terminate();
    this.#onHandshake = onHandshake;
    this.#inbox.restart();
    this.#prober.restart();
    const link = new Link(transport, decoder ?? new FrameDecoder(this.#inbox), this.#inbox, this.#clock, {
      onDrain: () => this.#outbox.flush(),
      onLost: (code, reason) => this.detach({ code, reason }),
      onViolation: (error) => this.fail(error),
    });
    this.#link = link;
    this.#outbox.attach(transport);
    const watched = {
      pingInterval: this.#pingInterval,
      lastSign: () => link.lastSign,
      lastSent: () => this.#outbox.lastSent,
      isAwaited: () => this.#prober.isAwaited || this.#outbox.bytesInFlight > 0,
      roundTrip: () => this.#prober.latest,
      isPingDue: () => this.#prober.isDue,
      ping: () => this.#prober.ping(),
      onSuspicion: () => this.#options.onSuspicion?.(),
      onSilence: () => this.detach({ code: 1006, reason: 'nothing was heard from the peer for too long' }),
    };
    const interval = this.#options.role === 'client' ? CLIENT_WATCH_INTERVAL : SERVER_WATCH_INTERVAL;
    this.#heartbeat = new Heartbeat(this.#clock, watched, interval);
  }

  /** Sends a frame of the handshake. */
  greet(type: number, payload: Uint8Array): void {
    this.#outbox.control(type, payload);
  }

  /** The handshake is done: the peer has processed `received` of our sequenced frames, what follows is sent (again). */
  goLive(received: number): void {
    const acknowledged = this.#outbox.replay.acknowledge(received);
    if (acknowledged === undefined) {
      throw violation(`the peer claims to have processed ${received} of ${this.sentCount} frames`);
    }
    this.#inbox.goLive();
    this.#outbox.goLive();
    this.#prober.ping();
    this.#tellDrain();
    if (acknowledged > 0) this.#tellIdle();
    const channels = this.#channels.all();
    for (const channel of channels) if (channel.hasGranted) this.#outbox.grant(channel);
    this.#returner.goLive(channels);
    this.#lives += 1;
    if (this.#lives > 1) this.#options.onResumed?.();
  }

  /** Lets go of the transport; the channels wait. */
  detach(loss: Loss): void {
    const transport = this.#unlink();
    if (transport === undefined) return;
    transport.terminate();
    this.#options.onDetached(loss);
  }

  /** The peer broke the protocol: the session cannot be trusted any further. */
  fail(error: ProtocolError): void {
    this.close(error.message, error.closeCode);
  }

  /** Takes no more channels, and tells the peer so; those there are live on, for `deadline` ms at most. */
  drain(deadline: number): void {
    this.#drainEnd = this.#clock.now() + deadline;
    this.#tellDrain();
  }

  /** Asks the peer for a new transport, before this one is cut. */
  migrate(): void {
    this.#outbox.control(FrameType.goAway, encodeGoAway(GoAway.migrate));
  }

  /** Tells the peer that this session is over for good, then closes it. */
  leave(reason: string): void {
    this.#outbox.final(encodeGoAway(GoAway.final));
    this.close(reason, CloseCode.normal);
  }

  /** Resets every channel, never ends one cleanly, and closes the transport with `closeCode`. `unheard`: let go of, never dialled. */
  close(reason: string, closeCode: number, unheard: readonly Channel[] = []): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlink()?.close(closeCode, reason);
    const unsent = [...unheard, ...this.releaseUnsent()];
    for (const channel of this.#channels.all()) channel.onDead('SESSION_LOST');
    this.#outbox.replay.clear();
    this.#options.onClosed(reason, unsent);
    for (const channel of unsent) if (isAdrift(channel)) channel.onDead('SESSION_LOST');
  }

  /** Also on each new transport: whoever was away has not heard it. */
  #tellDrain(): void {
    if (this.#drainEnd === undefined) return;
    const left = Math.max(1, Math.ceil(this.#drainEnd - this.#clock.now()));
    this.#outbox.control(FrameType.goAway, encodeGoAway(GoAway.drain, left));
  }

  /** Later: a channel is over as soon as its last frame was taken to be sent, and an answer may bring a new one. */
  #tellIdle(): void {
    if (this.#channels.size > 0) return;
    this.#clock.defer(() => {
      if (this.isIdle && !this.#closed) this.#options.onIdle?.();
    });
  }

  #unlink(): Transport | undefined {
    this.#heartbeat?.stop();
    this.#heartbeat = undefined;
    this.#returner.stop();
    this.#outbox.detach();
    this.#link?.cut();
    const transport = this.#link?.transport;
    this.#link = undefined;
    return transport;
  }

  #createCarrier(whole: ProcessBudgets | undefined): Carrier {
    return {
      isAttached: () => this.attached,
      budget: new MemoryBudget(WINDOW_BUDGET, whole?.windows, WINDOW_FLOOR),
      queues: new MemoryBudget(QUEUE_LIMIT, whole?.replay),
      now: () => this.#clock.now(),
      roundTrip: () => this.#prober.lowest,
      onSendable: (channel) => this.#outbox.sendable(channel),
      onGrant: (channel) => this.#outbox.grant(channel),
      onOver: (channel) => {
        this.#channels.remove(channel);
        this.#outbox.forget(channel);
        this.#returner.forget(channel);
        this.#tellIdle();
      },
    };
  }

  #onGoAway(kind: number): void {
    // The first release knew no capabilities, nor that its count goes before it: what it has dialled it does not say.
    const saysCount = this.#capabilities !== undefined && this.#capabilities !== 0;
    if (kind === GoAway.final)
      this.close('the peer has left', CloseCode.normal, saysCount ? this.releaseUnheard() : []);
    else if (kind === GoAway.drain) this.#options.onGoAway?.('drain');
    else if (kind === GoAway.migrate) this.#options.onGoAway?.('migrate');
    else if (kind === GoAway.refused) this.#options.onGoAway?.('refused');
  }
}
