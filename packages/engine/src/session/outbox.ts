import { copyOf } from '../bytes.js';
import type { Sender } from '../channel/sender.js';
import type { Carrier, SessionChannel } from '../channel/session-channel.js';
import type { Clock, Timer } from '../clock.js';
import { BATCH_SIZE, CONTROL_HIGH_WATER, REPLAY_FLOOR, REPLAY_LIMIT, TRANSPORT_HIGH_WATER } from '../constants.js';
import { MemoryBudget } from '../flow/memory-budget.js';
import type { RoundTrip } from '../flow/round-trip.js';
import { Capability } from '../frame/capabilities.js';
import { FrameBatch, HEADROOM } from '../frame/encode.js';
import { type Frame, FrameType, isSequenced, SESSION_CHANNEL, wireLength } from '../frame/frame.js';
import { encodeCount, encodeCounts } from '../frame/payload.js';
import { ReplayBuffer } from '../replay/replay-buffer.js';
import { Acknowledger } from './acknowledger.js';
import { ChannelNews } from './channel-news.js';
import { InFlight } from './in-flight.js';
import type { Link } from './link.js';
import type { Liveness } from './liveness.js';
import { encodePing } from './ping.js';
import type { ReplayPace } from './replay-pace.js';
import { ReplayTurn } from './replay-turn.js';
import { SendQueue } from './send-queue.js';
import type { Terms } from './terms.js';
import { Throng } from './throng.js';

/**
 * Everything that leaves a session, in its order: control frames, then what must be replayed, then new frames of the
 * channels in turn. Control frames are kept as facts to be told (the newest count, the newest limit), not as a queue,
 * so they cannot pile up.
 */
export class Outbox {
  readonly replay: ReplayBuffer;
  readonly acknowledger: Acknowledger;

  readonly #clock: Clock;
  readonly #terms: Terms;
  readonly #replayPace: ReplayPace | undefined;
  readonly #queue: SendQueue;
  readonly #batch: FrameBatch;
  /** Undefined, not empty. */
  #news: ChannelNews | undefined;
  readonly #roundTrip: RoundTrip;
  /** Once the present transport has carried a frame that is to be acknowledged. */
  #inFlight: InFlight | undefined;
  /** Bytes that were handed to it. */
  #handed = 0;
  #urgent: { type: number; payload: Uint8Array }[] = [];
  #pong: Uint8Array | undefined;
  #link: Link | undefined;
  /** Of that. */
  #liveness: Liveness | undefined;
  /** Once there was a flow. */
  #replayTurn: ReplayTurn | undefined;
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
  readonly #throng = new Throng();

  constructor({ clock, carrier, terms, roundTrip, budget, pace }: OutboxOptions) {
    this.#clock = clock;
    this.#terms = terms;
    this.#roundTrip = roundTrip;
    this.#replayPace = pace;
    this.#queue = new SendQueue(carrier);
    this.#batch = new FrameBatch(carrier.memory);
    this.replay = new ReplayBuffer(carrier.memory, new MemoryBudget(REPLAY_LIMIT, budget, REPLAY_FLOOR));
    this.acknowledger = new Acknowledger(clock, roundTrip, this);
  }

  /** How often another transport went on where the last one had ended. */
  get resumes(): number {
    return Math.max(0, this.#lives - 1);
  }

  /** A transport carries what counts. */
  get isLive(): boolean {
    return this.#live;
  }

  get asked(): number {
    return this.#asked;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Bytes that the present transport has carried and the peer has not acknowledged. */
  get bytesInFlight(): number {
    return this.#inFlight?.bytes ?? 0;
  }

  /** Channels and flows that wait for their turn, those that are over but have to tell so among them. */
  get waitingChannels(): number {
    return this.#queue.size;
  }

  /** Of these, those with one of such numbers. */
  countWaiting(isCounted: (id: number) => boolean): number {
    return this.#queue.count(({ id }) => isCounted(id));
  }

  /** The peer has processed everything that was to be sent. */
  get isEmpty(): boolean {
    return this.replay.bytes === 0 && this.#queue.isEmpty;
  }

  /** A sequenced frame of `bytes` was processed, or a datagram, which is not counted. */
  noteProcessed(bytes: number, isCounted = true): void {
    this.acknowledger.note(bytes, isCounted);
    this.#inFlight?.onReceived(bytes);
  }

  /** From here on control frames leave by `link`; others once `goLive` is called. */
  attach(link: Link, liveness: Liveness): void {
    this.#link = link;
    this.#liveness = liveness;
    this.#handed = 0;
    this.#inFlight = undefined;
  }

  detach(): void {
    this.#link = undefined;
    this.#liveness = undefined;
    this.#live = false;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#urgent = [];
    this.#pong = undefined;
    this.#news?.forgetReturns();
    this.acknowledger.stop();
  }

  /** Sends, from the oldest frame that the peer has not acknowledged, and keeps sending. */
  goLive(): void {
    this.replay.rewind();
    // Another transport may be another path: what was learnt of the old one does not hold.
    this.#roundTrip.restart();
    this.#inFlight = undefined;
    this.#live = true;
    this.#lives += 1;
    if (this.#replayTurn !== undefined) this.takeTurns();
    const pause = this.replay.bytes > 0 ? (this.#replayPace?.pause ?? 0) : 0;
    if (pause > 0) this.#pause = this.#clock.setTimer(() => this.#goOn(), pause);
    this.schedule();
  }

  sendable(sender: Sender): void {
    this.#queue.add(sender);
    this.schedule();
  }

  /** The same for what need not leave at once: what else comes in this turn goes with it, in one message. */
  sendableLater(sender: Sender): void {
    this.#queue.add(sender);
    if (this.#flushDue || this.#link === undefined) return;
    this.#flushDue = true;
    this.#clock.deferPastInput(() => this.#onFlush());
  }

  /** There are flows: what is sent again takes turns with their datagrams. */
  takeTurns(): void {
    this.#replayTurn ??= new ReplayTurn(this.replay);
    if (this.replay.isBehind) this.#queue.add(this.#replayTurn);
  }

  /** The channel's limit is to be told. */
  grant(channel: SessionChannel): void {
    this.#news ??= new ChannelNews();
    this.#news.grant(channel);
    this.schedule();
  }

  /** The channel gives back what it does not use. */
  giveBack(channel: SessionChannel): void {
    this.#news ??= new ChannelNews();
    this.#news.giveBack(channel);
    this.schedule();
  }

  /** The peer gave back what lies below `seen`: it is told what holds since. */
  answerReturn(channel: SessionChannel, seen: number): void {
    this.#news ??= new ChannelNews();
    this.#news.answerReturn(channel, seen);
    this.schedule();
  }

  /** The channel is over: its limit interests nobody. */
  forget(channel: SessionChannel): void {
    this.#news?.forget(channel);
  }

  /** It goes over to another session: nothing of it leaves here, now or after a resume. */
  release(sender: Sender): void {
    this.#queue.remove(sender);
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
    if (this.#live) this.control(this.#acknowledgement, this.#tellProcessed());
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
    if (bytes === undefined || bytes === 0) return bytes;
    this.#inFlight?.onAcknowledged(bytes, this.#clock.now());
    this.schedule();
    return bytes;
  }

  /** The same, and it has taken `taken` bytes of the present transport's stream. */
  acknowledgeTaken(count: number, taken: number): number | undefined {
    const bytes = taken > this.#handed ? undefined : this.replay.acknowledge(count);
    if (bytes === undefined) return undefined;
    this.#inFlight?.onTaken(taken, this.#clock.now());
    this.schedule();
    return bytes;
  }

  /** The frame that tells what was processed, and what it says. */
  get #acknowledgement(): FrameType {
    return this.#terms.has(Capability.taken) ? FrameType.taken : FrameType.ack;
  }

  #tellProcessed(): Uint8Array {
    const received = this.acknowledger.tell();
    if (!this.#terms.has(Capability.taken)) return encodeCount(received);
    return encodeCounts(received, this.#link?.received ?? 0);
  }

  /**
   * Sends soon, together with anything else that the present callback brings about; in a throng, with what the other callbacks of
   * the turn do as well.
   */
  schedule(): void {
    if (this.#flushDue || this.#link === undefined) return;
    this.#flushDue = true;
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#throng.isDense) this.#clock.deferPastInput(() => this.#onFlush());
    else this.#clock.defer(() => this.#onFlush());
  }

  #goOn(): void {
    this.#pause = undefined;
    this.schedule();
  }

  #onFlush(): void {
    this.#flushDue = false;
    this.flush();
  }

  /** Hands batches to the transport until it has enough, or nothing is left. */
  flush(): void {
    // Facts can wait; written, they would pile up in memory for the one who asks for them and never reads.
    if (this.#link !== undefined && this.#link.transport.backlog >= CONTROL_HIGH_WATER) return;
    this.#addControl();
    for (;;) {
      if (this.#link === undefined) return;
      const { transport } = this.#link;
      // Control frames never wait for the backlog: a PONG or WINDOW behind bulk looks like death or a stopped reader.
      if (this.#live && this.#pause === undefined && !this.#isUnused) this.#addFrames(transport.backlog);
      if (this.#batch.length === 0) return;
      const now = this.#clock.now();
      this.#liveness?.sent(now);
      this.#throng.sent(this.#batch.length, now);
      this.#handed += this.#batch.length;
      transport.send(this.#batch.take(), HEADROOM);
    }
  }

  #addControl(): void {
    if (this.#link === undefined) return;
    for (const { type, payload } of this.#urgent) this.#batch.add(type, SESSION_CHANNEL, payload);
    this.#urgent = [];
    if (this.#live) this.#addNews();
    // Behind those: anyone who has this has all that was to be told.
    if (this.#pong !== undefined) this.#batch.add(FrameType.pong, SESSION_CHANNEL, this.#pong);
    this.#pong = undefined;
    if (!this.#live) return;
    if (this.acknowledger.isDue || (this.#batch.length > 0 && this.acknowledger.isPending)) {
      this.#batch.add(this.#acknowledgement, SESSION_CHANNEL, this.#tellProcessed());
    }
  }

  #addNews(): void {
    this.#news?.addTo(this.#batch);
    this.#news = undefined;
  }

  /** The transport has carried nothing that counts, nor is there any. */
  get #isUnused(): boolean {
    return this.#inFlight === undefined && this.replay.bytes === 0 && this.#queue.size === 0;
  }

  get #present(): InFlight {
    this.#inFlight ??= new InFlight(this.#terms, this.#roundTrip);
    return this.#inFlight;
  }

  /** What a frame of a channel should carry at present, bytes. */
  get frameSize(): number {
    const inFlight = this.#present;
    const longest = inFlight.longestFrame;
    return this.#queue.size > 1 ? inFlight.sharedFrame(longest) : longest;
  }

  /** Nothing where the transport holds enough, by its `backlog`. */
  #addFrames(backlog: number): void {
    const inFlight = this.#present;
    const limit = inFlight.longestFrame;
    if (backlog >= Math.max(TRANSPORT_HIGH_WATER, limit)) return;
    const room = Math.min(Math.max(BATCH_SIZE, limit), inFlight.room);
    let bytes = 0;
    let again = 0;
    while (bytes < room) {
      const { isBehind } = this.replay;
      const frame = this.#nextFrame(limit);
      if (frame === undefined) break;
      this.#batch.add(frame.type, frame.channel, frame.payload);
      this.#throng.note(frame.channel);
      const length = wireLength(frame);
      bytes += length;
      if (isBehind && isSequenced(frame.type)) again += length;
    }
    if (again > 0) this.#replayPace?.charge(again);
    const isAll = bytes < room && !this.replay.isFull;
    const place = [this.#handed, this.#handed + this.#batch.length] as const;
    if (bytes > 0 || isAll) inFlight.onSent(bytes, place, isAll, this.#clock.now());
  }

  #nextFrame(limit: number): Frame | undefined {
    if (this.#replayTurn === undefined) return this.replay.next() ?? this.#newFrame(limit);
    if (this.replay.isBehind || this.replay.isFull) return this.#queue.nextUnkept(this.#present.sharedFrame(limit));
    return this.#newFrame(limit);
  }

  #newFrame(limit: number): Frame | undefined {
    if (this.replay.isFull) return undefined;
    const frame = this.#queue.next(limit, this.#present.sharedFrame(limit));
    if (frame === undefined || !isSequenced(frame.type)) return frame;
    this.replay.append(frame);
    return this.replay.next();
  }
}

export interface OutboxOptions {
  readonly clock: Clock;
  /** Whose channels send. */
  readonly carrier: Carrier;
  /** What the peer can take. */
  readonly terms: Terms;
  readonly roundTrip: RoundTrip;
  /** Of the process, within which unacknowledged frames have a budget of their own; when that is used up, sources pause. */
  readonly budget: MemoryBudget | undefined;
  readonly pace: ReplayPace | undefined;
}
