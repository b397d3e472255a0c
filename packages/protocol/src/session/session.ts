import { Channel, type ChannelPort } from '../channel/channel.js';
import { judge } from '../channel/channel-state.js';
import type { OpenHandler } from '../channel/handlers.js';
import type { Clock } from '../clock.js';
import {
  CLIENT_WATCH_INTERVAL,
  CloseCode,
  REPLAY_LIMIT,
  ROUND_TRIP_INTERVAL,
  SERVER_WATCH_INTERVAL,
  WINDOW_BUDGET,
} from '../constants.js';
import { ProtocolError } from '../errors.js';
import { failureFromWire } from '../failures.js';
import { MemoryBudget, type ProcessBudgets } from '../flow/memory-budget.js';
import { RoundTrip } from '../flow/round-trip.js';
import { FrameDecoder, type FrameSink } from '../frame/decode.js';
import { FrameType } from '../frame/frame.js';
import { decodeOpen, encodeCount, encodeGoAway, GoAway, readCount } from '../frame/payload.js';
import type { Target } from '../target.js';
import type { Transport } from '../transport/transport.js';
import { Channels, type Role } from './channels.js';
import { Heartbeat } from './heartbeat.js';
import { Link } from './link.js';
import { Outbox } from './outbox.js';

/** Why a transport went: an RFC 6455 close code, 1006 when there was none, and what is known of the cause. */
export interface Loss {
  readonly code: number;
  readonly reason: string;
}

export interface SessionOptions {
  readonly role: Role;
  readonly clock: Clock;
  /** The peer opened a channel: answer with `accept` or `refuse`. Without it an OPEN breaks the protocol. */
  readonly onChannel?: (channel: Channel) => void;
  /** The transport is lost; the channels live on, until another one is attached or the session is closed. */
  readonly onDetached: (loss: Loss) => void;
  /** The transport has been silent for suspiciously long: another one may be tried, and attached. */
  readonly onSuspicion?: () => void;
  /** The peer takes no more channels (`drain`), or asks for a new transport (`migrate`). */
  readonly onGoAway?: (kind: 'drain' | 'migrate') => void;
  /** `isIdle` has become true. */
  readonly onIdle?: () => void;
  /** The session is over, and every channel with it. Told once. */
  readonly onClosed: (reason: string) => void;
  /** Channels that the peer may have open at a time; 1024 unless told. More are refused with LIMIT_REACHED. */
  readonly maxChannels?: number;
  /** Bounds of the whole process, within which this session has its own. */
  readonly processBudgets?: ProcessBudgets;
}

/** Takes the frames of the handshake, HELLO and RESUME. May throw ProtocolError. */
export type OnHandshake = (type: number, payload: Buffer) => void;

const DEFAULT_MAX_CHANNELS = 1024;
/** Answers beyond the limit of channels that a peer may leave unread: each costs hundreds of times what OPEN does. */
const MAX_UNREAD_ANSWERS = 4096;
/** PING carries our time, so that PONG tells the round trip: in microseconds, a millisecond is too coarse nearby. */
const MICROSECONDS = 1_000;

/** What two peers share: channels, counts, the replay buffer. Outlives any one transport, and never dials. */
export class Session {
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #port: ChannelPort;
  readonly #roundTrip = new RoundTrip();
  #pingedAt = Number.NEGATIVE_INFINITY;
  #pinged = false;
  #link: Link | undefined;
  #heartbeat: Heartbeat | undefined;
  #onHandshake: OnHandshake | undefined;
  /** The present transport's greetings are done: frames count from then on. */
  #live = false;
  #closed = false;
  /** When the channels must be over, by the clock; undefined while there is no drain. */
  #drainEnd: number | undefined;

  /** Payload bytes of the DATA frame now arriving that were delivered, and how many of them a replay brings again. */
  #delivered = 0;
  #skip = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#channels = new Channels(options.role);
    this.#port = this.#createPort(new MemoryBudget(WINDOW_BUDGET, options.processBudgets?.windows));
    this.#outbox = new Outbox(options.clock, new MemoryBudget(REPLAY_LIMIT, options.processBudgets?.replay));
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
   * for its handler as soon as the caller has returned, whatever the peer will say: a failure is then a reset. When the
   * session is closed, or its channel numbers have run out, the channel fails as soon as the caller has returned.
   */
  open(target: Target, handler: OpenHandler, optimistic = false): Channel {
    const id = this.#closed ? undefined : this.#channels.takeId();
    const channel = Channel.request(id ?? 0, target, id === undefined ? nowhere : this.#port, handler);
    if (optimistic && id !== undefined) this.#clock.defer(() => channel.presume());
    if (id === undefined) this.#clock.defer(() => channel.onDead('SESSION_LOST'));
    else this.#channels.add(channel);
    return channel;
  }

  /**
   * Takes `transport` in place of the present one, which is cut off first, so that nothing it still delivers counts.
   * Only control frames leave until `goLive`. `decoder` brings what was read ahead.
   */
  attach(transport: Transport, onHandshake: OnHandshake, decoder?: FrameDecoder): void {
    this.#unlink()?.terminate();
    this.#onHandshake = onHandshake;
    this.#live = false;
    this.#skip = this.#delivered;
    const link = new Link(transport, decoder ?? new FrameDecoder(this.#sink), this.#sink, this.#clock, {
      onDrain: () => this.#outbox.flush(),
      onLost: (code, reason) => this.detach({ code, reason }),
      onViolation: (error) => this.fail(error),
    });
    this.#link = link;
    this.#outbox.attach(transport);
    this.#pinged = false;
    const watched = {
      lastSign: () => link.lastSign,
      lastSent: () => this.#outbox.lastSent,
      isAwaited: () => this.#pinged || this.#outbox.bytesInFlight > 0,
      roundTrip: () => this.#roundTrip.latest,
      ping: () => this.#ping(),
      onSuspicion: () => this.#options.onSuspicion?.(),
      onSilence: () => this.detach({ code: 1006, reason: 'nothing was heard from the peer for too long' }),
    };
    const interval = this.#options.role === 'client' ? CLIENT_WATCH_INTERVAL : SERVER_WATCH_INTERVAL;
    this.#heartbeat = new Heartbeat(this.#clock, watched, interval);
  }

  /** Sends a frame of the handshake. */
  greet(type: number, payload: Buffer): void {
    this.#outbox.control(type, payload);
  }

  /** The handshake is done: the peer has processed `received` of our sequenced frames, what follows is sent (again). */
  goLive(received: number): void {
    const acknowledged = this.#outbox.replay.acknowledge(received);
    if (acknowledged === undefined) {
      throw violation(`the peer claims to have processed ${received} of ${this.sentCount} frames`);
    }
    this.#live = true;
    this.#outbox.goLive();
    this.#ping();
    this.#tellDrain();
    if (acknowledged > 0) this.#tellIdle();
    for (const channel of this.#channels.all()) if (channel.hasGranted) this.#outbox.grant(channel);
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
    this.#outbox.control(FrameType.goAway, encodeGoAway(GoAway.final));
    this.#outbox.flush();
    this.close(reason, CloseCode.normal);
  }

  /** Ends the session: every channel is reset, never cleanly ended, and the transport closed with `closeCode`. */
  close(reason: string, closeCode: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlink()?.close(closeCode, reason);
    for (const channel of this.#channels.all()) channel.onDead('SESSION_LOST');
    this.#outbox.replay.clear();
    this.#options.onClosed(reason);
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
    this.#outbox.detach();
    this.#link?.cut();
    const transport = this.#link?.transport;
    this.#link = undefined;
    return transport;
  }

  #ping(): void {
    this.#pinged = true;
    this.#pingedAt = this.#clock.now();
    this.#outbox.control(FrameType.ping, encodeCount(Math.floor(this.#pingedAt * MICROSECONDS)));
  }

  #createPort(budget: MemoryBudget): ChannelPort {
    return {
      budget,
      now: () => this.#clock.now(),
      roundTrip: () => Math.min(this.#roundTrip.lowest, this.#outbox.roundTrip),
      onSendable: (channel) => this.#outbox.sendable(channel),
      onGrant: (channel) => this.#outbox.grant(channel),
      onOver: (channel) => {
        this.#channels.remove(channel);
        this.#outbox.forget(channel);
        this.#tellIdle();
      },
    };
  }

  readonly #sink: FrameSink = {
    onFrame: (type, id, payload) => {
      if (!this.#live && type !== FrameType.hello && type !== FrameType.resume) {
        throw violation('a frame before the answer to RESUME');
      }
      switch (type) {
        case FrameType.ack:
          if (!this.#outbox.acknowledge(readCount(payload))) throw violation('an ACK for what was never sent');
          this.#tellIdle();
          return;
        case FrameType.window:
          this.#onChannelFrame(type, id, payload);
          return;
        case FrameType.ping:
          this.#outbox.pong(payload);
          return;
        case FrameType.pong:
          this.#pinged = false;
          this.#onPong(payload);
          return;
        case FrameType.goAway:
          this.#onGoAway(payload.readUInt8(0));
          return;
        case FrameType.hello:
        case FrameType.resume:
          this.#onHandshake?.(type, payload);
          return;
        default:
          if (type === FrameType.open) this.#onOpen(id, payload);
          else this.#onChannelFrame(type, id, payload);
          this.#count(payload.length);
      }
    },

    onData: (id, piece, last) => {
      if (!this.#live) throw violation('DATA before the answer to RESUME');
      const fresh = this.#skip === 0 ? piece : piece.subarray(Math.min(this.#skip, piece.length));
      this.#skip -= piece.length - fresh.length;
      this.#delivered += fresh.length;
      if (fresh.length > 0) this.#deliver(id, fresh);
      if (!last) return;
      if (this.#skip > 0) throw violation('a replayed frame is shorter than it was');
      this.#count(this.#delivered);
      this.#delivered = 0;
    },
  };

  #onGoAway(kind: number): void {
    if (kind === GoAway.final) this.close('the peer has left', CloseCode.normal);
    else if (kind === GoAway.drain) this.#options.onGoAway?.('drain');
    else if (kind === GoAway.migrate) this.#options.onGoAway?.('migrate');
  }

  #onPong(payload: Buffer): void {
    const now = this.#clock.now();
    const sample = Math.max(0, now - readCount(payload) / MICROSECONDS);
    this.#roundTrip.note(sample, now);
    this.#outbox.noteRoundTrip(sample);
  }

  #deliver(id: number, piece: Buffer): void {
    const channel = this.#find(FrameType.data, id);
    if (channel !== undefined && !channel.onData(piece)) throw violation(`channel ${id} got more than its window`);
  }

  #onChannelFrame(type: number, id: number, payload: Buffer): void {
    const channel = this.#find(type, id);
    if (channel === undefined) return;
    if (type === FrameType.window) channel.onLimit(readCount(payload));
    else if (type === FrameType.openOk) channel.onOpened(payload.readUInt32BE(0));
    else if (type === FrameType.fin) channel.onFin();
    else channel.onDead(failureFromWire(payload.readUInt16BE(0)));
  }

  #onOpen(id: number, payload: Buffer): void {
    const { onChannel, maxChannels = DEFAULT_MAX_CHANNELS } = this.#options;
    if (onChannel === undefined) throw violation('this end opens channels, it does not take them');
    this.#channels.checkPeerId(id);
    const unread = this.#outbox.waitingChannels - maxChannels;
    if (unread > MAX_UNREAD_ANSWERS) throw violation('channels are opened, but the answers are not read');
    const { target, window } = decodeOpen(payload);
    const channel = Channel.offer(id, target, this.#port, window);
    if (this.#drainEnd !== undefined) return channel.refuse('GOING_AWAY');
    if (this.#channels.size >= maxChannels) return channel.refuse('LIMIT_REACHED');
    this.#channels.add(channel);
    onChannel(channel);
  }

  /** The channel that a frame is for, if it is to be taken. */
  #find(type: number, id: number): Channel | undefined {
    const channel = this.#channels.find(id);
    if (channel === undefined) return undefined;
    const verdict = judge(channel.state, type);
    if (verdict === 'violation') throw violation(`frame type ${type} does not fit the state of channel ${id}`);
    return verdict === 'take' ? channel : undefined;
  }

  #count(bytes: number): void {
    this.#outbox.acknowledger.note(bytes);
    // Windows grow by the path's round trip; whoever only receives learns it no other way.
    if (this.#clock.now() - this.#pingedAt >= ROUND_TRIP_INTERVAL) this.#ping();
  }
}

/** For a channel that belongs to no session. */
const nowhere: ChannelPort = {
  budget: new MemoryBudget(0),
  now: () => 0,
  roundTrip: () => 0,
  onSendable() {},
  onGrant() {},
  onOver() {},
};

function violation(message: string): ProtocolError {
  return new ProtocolError(message, CloseCode.protocolError);
}
