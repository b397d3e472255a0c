import type { Channel } from '../channel/channel.js';
import type { Clock, Timer } from '../clock.js';
import { ACK_BYTES, ACK_DELAY, ACK_INTERVAL, BATCH_SIZE, REPLAY_LIMIT, TRANSPORT_HIGH_WATER } from '../constants.js';
import { FrameBatch } from '../frame/encode.js';
import { FrameType, SESSION_CHANNEL } from '../frame/frame.js';
import { encodeCount } from '../frame/payload.js';
import { ReplayBuffer } from '../resume/replay-buffer.js';
import type { Transport } from '../transport/transport.js';
import { SendQueue } from './send-queue.js';

/** How many sequenced frames the session has processed: what ACK tells. */
export interface Received {
  readonly count: number;
}

/**
 * Everything that leaves a session, in its order: control frames, then what must be replayed, then new frames of the
 * channels in turn. Control frames are kept as facts to be told (the newest count, the newest limit), not as a queue,
 * so they cannot pile up.
 */
export class Outbox {
  readonly replay: ReplayBuffer = new ReplayBuffer();
  /** When bytes last left, by the clock. */
  lastSent: number;

  readonly #clock: Clock;
  readonly #received: Received;
  readonly #queue = new SendQueue();
  readonly #batch = new FrameBatch();
  readonly #grants = new Set<Channel>();
  #urgent: { type: number; payload: Buffer }[] = [];
  #pong: Buffer | undefined;
  #transport: Transport | undefined;
  /** Sequenced frames wait while a resume has not told yet where to begin. */
  #live = false;
  #flushDue = false;

  #acknowledged = 0;
  #bytesSinceAck = 0;
  #lastAck = 0;
  #ackTimer: Timer | undefined;

  constructor(clock: Clock, received: Received) {
    this.#clock = clock;
    this.#received = received;
    this.lastSent = clock.now();
  }

  /** From here on control frames leave by `transport`; sequenced frames once `goLive` is called. */
  attach(transport: Transport): void {
    this.#transport = transport;
    this.#live = false;
    this.lastSent = this.#clock.now();
  }

  detach(): void {
    this.#transport = undefined;
    this.#live = false;
    this.#urgent = [];
    this.#pong = undefined;
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
  }

  /** Sends, from the oldest frame that the peer has not acknowledged, and keeps sending. */
  goLive(): void {
    this.replay.rewind();
    this.#acknowledged = this.#received.count;
    this.#live = true;
    this.schedule();
  }

  sendable(channel: Channel): void {
    this.#queue.add(channel);
    this.schedule();
  }

  /** The channel's limit is to be told. */
  grant(channel: Channel): void {
    this.#grants.add(channel);
    this.schedule();
  }

  /** The channel is over: its limit interests nobody. */
  forget(channel: Channel): void {
    this.#grants.delete(channel);
  }

  /** A frame of the session that goes before everything else. */
  control(type: number, payload: Buffer): void {
    this.#urgent.push({ type, payload });
    this.schedule();
  }

  /** Asks the peer for a sign of life; the payload comes back, and tells the round trip. */
  ping(): void {
    this.control(FrameType.ping, encodeCount(Math.floor(this.#clock.now())));
  }

  /** The peer has processed `count` sequenced frames; false when it cannot have. */
  acknowledge(count: number): boolean {
    if (!this.replay.acknowledge(count)) return false;
    this.schedule();
    return true;
  }

  /** Answers a PING; of several unanswered ones only the newest, since any byte proves life. */
  pong(payload: Buffer): void {
    this.#pong = Buffer.from(payload);
    this.schedule();
  }

  /** `bytes` of sequenced frames came in, which the peer keeps until it is told. */
  noteReceived(bytes: number): void {
    this.#bytesSinceAck += bytes;
    if (this.#ackDue()) this.schedule();
    else this.#ackTimer ??= this.#clock.setTimer(this.#onAckTimer, ACK_DELAY);
  }

  /** Sends soon, together with whatever else the present callback brings about. */
  schedule(): void {
    if (this.#flushDue || this.#transport === undefined) return;
    this.#flushDue = true;
    this.#clock.defer(this.#onFlush);
  }

  readonly #onFlush = (): void => {
    this.#flushDue = false;
    this.flush();
  };

  readonly #onAckTimer = (): void => {
    this.#ackTimer = undefined;
    this.#bytesSinceAck = Number.MAX_SAFE_INTEGER;
    this.schedule();
  };

  /** Hands batches to the transport until it has enough, or nothing is left. */
  flush(): void {
    let control = true;
    for (;;) {
      const transport = this.#transport;
      if (transport === undefined) return;
      if (control) this.#addControl();
      // Control frames are few and never wait for the backlog; a PONG behind bulk looks like death.
      if (this.#live && transport.backlog < TRANSPORT_HIGH_WATER) this.#addSequenced();
      if (this.#batch.length === 0) return;
      control = false;
      this.lastSent = this.#clock.now();
      transport.send(this.#batch.take());
    }
  }

  #addControl(): void {
    for (const { type, payload } of this.#urgent) this.#batch.add(type, SESSION_CHANNEL, payload);
    this.#urgent = [];
    if (this.#pong !== undefined) this.#batch.add(FrameType.pong, SESSION_CHANNEL, this.#pong);
    this.#pong = undefined;
    if (!this.#live) return;
    for (const channel of this.#grants) {
      this.#batch.add(FrameType.window, channel.id, encodeCount(channel.grantedLimit));
    }
    this.#grants.clear();
    if (this.#ackDue() || (this.#batch.length > 0 && this.#received.count > this.#acknowledged)) this.#addAck();
  }

  #addSequenced(): void {
    while (this.#batch.length < BATCH_SIZE) {
      const frame = this.replay.next() ?? this.#newFrame();
      if (frame === undefined) return;
      this.#batch.add(frame.type, frame.channel, frame.payload);
    }
  }

  #newFrame(): ReturnType<ReplayBuffer['next']> {
    if (this.replay.bytes >= REPLAY_LIMIT) return undefined;
    const frame = this.#queue.next();
    if (frame === undefined) return undefined;
    this.replay.append(frame);
    return this.replay.next();
  }

  #ackDue(): boolean {
    if (this.#received.count === this.#acknowledged || this.#bytesSinceAck < ACK_BYTES) return false;
    return this.#clock.now() - this.#lastAck >= ACK_INTERVAL;
  }

  #addAck(): void {
    this.#acknowledged = this.#received.count;
    this.#bytesSinceAck = 0;
    this.#lastAck = this.#clock.now();
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
    this.#batch.add(FrameType.ack, SESSION_CHANNEL, encodeCount(this.#acknowledged));
  }
}
