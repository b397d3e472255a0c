import { copyOf } from '../bytes.js';
import type { Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock, Timer } from '../clock.js';
import {
  BATCH_SIZE,
  CONTROL_HIGH_WATER,
  FIRST_FRAME_SIZE,
  FRAME_TIME,
  LONE_FRAME_SIZE,
  MIN_FRAME_SIZE,
  REPLAY_FLOOR,
  REPLAY_LIMIT,
  SHARED_FRAME_SIZE,
  SHARED_FRAME_TIME,
  TRANSPORT_HIGH_WATER,
} from '../constants.js';
import { InFlightCap } from '../flow/in-flight-cap.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { FrameBatch, HEADROOM } from '../frame/encode.js';
import { FrameType, SESSION_CHANNEL } from '../frame/frame.js';
import { encodeCount, encodeCounts } from '../frame/payload.js';
import { ReplayBuffer, type SequencedFrame, wireLength } from '../replay/replay-buffer.js';
import type { Transport } from '../transport.js';
import { Acknowledger } from './acknowledger.js';
import type { Liveness } from './liveness.js';
import { encodePing } from './ping.js';
import type { ReplayPace } from './replay-pace.js';
import { SendQueue } from './send-queue.js';

/**
 * Everything that leaves a session, in its order: control frames, then what must be replayed, then new frames of the
 * channels in turn. Control frames are kept as facts to be told (the newest count, the newest limit), not as a queue,
 * so they cannot pile up.
 */
export class Outbox {
  readonly replay: ReplayBuffer;
  readonly acknowledger: Acknowledger;

  readonly #clock: Clock;
  readonly #roundTrip: RoundTrip;
  readonly #replayPace: ReplayPace | undefined;
  readonly #queue: SendQueue;
  readonly #batch: FrameBatch;
  readonly #grants = new Set<SessionChannel>();
  /** Channels that give credit back, and those whose peer did, with the limit that it had seen; undefined when there are none. */
  #returns: Set<SessionChannel> | undefined;
  #answers: Map<SessionChannel, number> | undefined;
  #inFlight: InFlightCap;
  #urgent: { type: number; payload: Uint8Array }[] = [];
  #pong: Uint8Array | undefined;
  #transport: Transport | undefined;
  /** Of that. */
  #liveness: Liveness | undefined;
  /** PINGs that were sent by all transports, and the last of them that was answered. */
  #asked = 0;
  #answered = 0;
  /** Transports that have gone live, the first one included. */
  #lives = 0;
  /** Sequenced frames wait while a resume has not told yet where to begin. */
  #live = false;
  /** Until then nothing is sent again, nor anything behind it. */
  #pause: Timer | undefined;
  #flushDue = false;

  constructor({ clock, carrier, roundTrip, budget, pace }: OutboxOptions) {
    this.#clock = clock;
    this.#roundTrip = roundTrip;
    this.#replayPace = pace;
    this.#queue = new SendQueue(carrier);
    this.#inFlight = new InFlightCap(roundTrip);
    this.#batch = new FrameBatch(carrier.memory);
    this.replay = new ReplayBuffer(carrier.memory, new MemoryBudget(REPLAY_LIMIT, budget, REPLAY_FLOOR));
    this.acknowledger = new Acknowledger(clock, roundTrip, this);
  }

  /** How often another transport went on where the last one had ended. */
  get resumes(): number {
    return Math.max(0, this.#lives - 1);
  }

  get asked(): number {
    return this.#asked;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Bytes that the present transport has carried and the peer has not acknowledged. */
  get bytesInFlight(): number {
    return this.#inFlight.inFlight;
  }

  /** Channels that wait for their turn, those that are over but have to tell so among them. */
  get waitingChannels(): number {
    return this.#queue.size;
  }

  /** The peer has processed everything that was to be sent. */
  get isEmpty(): boolean {
    return this.replay.bytes === 0 && this.#queue.isEmpty;
  }

  /** A sequenced frame of `bytes` was processed. */
  noteProcessed(bytes: number): void {
    this.acknowledger.note(bytes);
    this.#inFlight.onReceived(bytes);
  }

  /** From here on control frames leave by `transport`; sequenced frames once `goLive` is called. */
  attach(transport: Transport, liveness: Liveness): void {
    this.#transport = transport;
    this.#liveness = liveness;
  }

  detach(): void {
    this.#transport = undefined;
    this.#liveness = undefined;
    this.#live = false;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#urgent = [];
    this.#pong = undefined;
    this.#returns = undefined;
    this.#answers = undefined;
    this.acknowledger.stop();
  }

  /** Sends, from the oldest frame that the peer has not acknowledged, and keeps sending. */
  goLive(): void {
    this.replay.rewind();
    // Another transport may be another path: what was learnt of the old one does not hold.
    this.#roundTrip.restart();
    this.#inFlight = new InFlightCap(this.#roundTrip);
    this.#live = true;
    this.#lives += 1;
    const pause = this.replay.bytes > 0 ? (this.#replayPace?.pause ?? 0) : 0;
    if (pause > 0) this.#pause = this.#clock.setTimer(() => this.#goOn(), pause);
    this.schedule();
  }

  sendable(channel: SessionChannel): void {
    this.#queue.add(channel);
    this.schedule();
  }

  /** The channel's limit is to be told. */
  grant(channel: SessionChannel): void {
    this.#grants.add(channel);
    this.schedule();
  }

  /** The channel gives back what it does not use. */
  giveBack(channel: SessionChannel): void {
    this.#returns ??= new Set();
    this.#returns.add(channel);
    this.schedule();
  }

  /** The peer gave back what lies below `seen`: it is told what holds since. */
  answerReturn(channel: SessionChannel, seen: number): void {
    this.#answers ??= new Map();
    this.#answers.set(channel, seen);
    this.schedule();
  }

  /** The channel is over: its limit interests nobody. */
  forget(channel: SessionChannel): void {
    this.#grants.delete(channel);
    this.#returns?.delete(channel);
    this.#answers?.delete(channel);
  }

  /** The channel goes over to another session: nothing of it leaves here, now or after a resume. */
  release(channel: SessionChannel): void {
    this.#queue.remove(channel);
    this.forget(channel);
  }

  /** A frame of the session that goes before everything else. */
  control(type: number, payload: Uint8Array): void {
    // A PING that has not left is of no use any more.
    if (type === FrameType.ping) this.#urgent = this.#urgent.filter((one) => one.type !== type);
    this.#urgent.push({ type, payload });
    this.schedule();
  }

  /** Asks for a sign of life, unless that was done just now. */
  ask(): void {
    if (this.#live && this.#liveness?.mayAsk(this.#clock.now()) === true) this.ping();
  }

  /** The PING that was sent last is answered. */
  noteAnswer(): void {
    this.#answered = this.#asked;
  }

  /** Asks for a sign of life, and how long it takes. */
  ping(): void {
    this.#asked += 1;
    const now = this.#clock.now();
    this.#liveness?.asked(now);
    this.control(FrameType.ping, encodePing(now));
  }

  /** The session is over for good: before that is told, what was processed is, so that the peer knows what was not. */
  final(payload: Uint8Array): void {
    if (this.#live) this.control(FrameType.ack, encodeCount(this.acknowledger.tell()));
    this.control(FrameType.goAway, payload);
    this.flush();
  }

  /** Answers a PING; of several unanswered ones only the newest, since any byte proves life. */
  pong(payload: Uint8Array): void {
    this.#pong = copyOf(payload);
    this.schedule();
  }

  /** The peer has processed `count` sequenced frames: how many bytes that tells anew; undefined when it cannot have. */
  acknowledge(count: number): number | undefined {
    const bytes = this.replay.acknowledge(count);
    // One that tells nothing new is no sample of the path.
    if (bytes === undefined || bytes === 0) return bytes;
    this.#inFlight.onDelivered(bytes, this.#clock.now());
    this.schedule();
    return bytes;
  }

  /** Sends soon, together with whatever else the present callback brings about. */
  schedule(): void {
    if (this.#flushDue || this.#transport === undefined) return;
    this.#flushDue = true;
    this.#clock.defer(this.#onFlush);
  }

  #goOn(): void {
    this.#pause = undefined;
    this.schedule();
  }

  readonly #onFlush = (): void => {
    this.#flushDue = false;
    this.flush();
  };

  /** Hands batches to the transport until it has enough, or nothing is left. */
  flush(): void {
    // Facts can wait; written, they would pile up in memory for whoever asks for them and never reads.
    if (this.#transport !== undefined && this.#transport.backlog >= CONTROL_HIGH_WATER) return;
    this.#addControl();
    for (;;) {
      const transport = this.#transport;
      if (transport === undefined) return;
      // Control frames never wait for the backlog: a PONG or WINDOW behind bulk looks like death or a stopped reader.
      const mayAdd = this.#live && this.#pause === undefined && transport.backlog < TRANSPORT_HIGH_WATER;
      if (mayAdd) this.#addSequenced();
      if (this.#batch.length === 0) return;
      this.#liveness?.sent(this.#clock.now());
      transport.send(this.#batch.take(), HEADROOM);
    }
  }

  #addControl(): void {
    if (this.#transport === undefined) return;
    for (const { type, payload } of this.#urgent) this.#batch.add(type, SESSION_CHANNEL, payload);
    this.#urgent = [];
    if (this.#live) this.#addLimits();
    // Behind those: whoever has this has all that was to be told.
    if (this.#pong !== undefined) this.#batch.add(FrameType.pong, SESSION_CHANNEL, this.#pong);
    this.#pong = undefined;
    if (!this.#live) return;
    if (this.acknowledger.isDue || (this.#batch.length > 0 && this.acknowledger.isPending)) {
      this.#batch.add(FrameType.ack, SESSION_CHANNEL, encodeCount(this.acknowledger.tell()));
    }
  }

  #addLimits(): void {
    for (const channel of this.#grants) {
      this.#batch.add(FrameType.window, channel.id, encodeCount(channel.grantedLimit));
    }
    this.#grants.clear();
    if (this.#returns !== undefined || this.#answers !== undefined) this.#addReturns();
  }

  #addReturns(): void {
    for (const { id, returning } of this.#returns ?? []) {
      if (returning === undefined) continue;
      this.#batch.add(FrameType.return, id, encodeCounts(returning.seen, returning.keep));
    }
    this.#returns = undefined;
    for (const [{ id, grantedLimit }, seen] of this.#answers ?? []) {
      this.#batch.add(FrameType.returned, id, encodeCounts(seen, grantedLimit));
    }
    this.#answers = undefined;
  }

  #addSequenced(): void {
    const inFlight = this.#inFlight;
    const room = Math.min(BATCH_SIZE, inFlight.cap - inFlight.inFlight);
    const limit = Math.max(MIN_FRAME_SIZE, Math.min(LONE_FRAME_SIZE, inFlight.rate * FRAME_TIME || FIRST_FRAME_SIZE));
    let bytes = 0;
    let again = 0;
    while (bytes < room) {
      const former = this.replay.next();
      const frame = former ?? this.#newFrame(limit);
      if (frame === undefined) break;
      this.#batch.add(frame.type, frame.channel, frame.payload);
      bytes += wireLength(frame);
      if (former !== undefined) again = bytes;
    }
    if (again > 0) this.#replayPace?.charge(again);
    if (bytes < room && !this.replay.isFull) inFlight.onSourceEmpty(bytes);
    if (bytes > 0) inFlight.onSent(bytes, this.#clock.now());
  }

  #newFrame(limit: number): SequencedFrame | undefined {
    if (this.replay.isFull) return undefined;
    const shared = Math.max(SHARED_FRAME_SIZE, this.#inFlight.rate * SHARED_FRAME_TIME);
    const frame = this.#queue.next(limit, Math.min(limit, shared));
    if (frame === undefined) return undefined;
    this.replay.append(frame);
    return this.replay.next();
  }
}

export interface OutboxOptions {
  readonly clock: Clock;
  /** Whose channels send. */
  readonly carrier: Carrier;
  readonly roundTrip: RoundTrip;
  /** Of the process, within which unacknowledged frames have a budget of their own; when that is used up, sources pause. */
  readonly budget: MemoryBudget | undefined;
  readonly pace: ReplayPace | undefined;
}
