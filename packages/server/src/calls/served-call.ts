import { type Channel, type FailureCode, type Logger, type OpenHandler, TunnelError } from 'wsproxy-engine';
import { PacedChannel } from 'wsproxy-node/relay';
import { ChannelPlace } from '../limits/channel-place.js';
import type { Guard } from '../limits/guard.js';
import type { ArrivalInfo } from '../listeners/arrival-info.js';
import type { LivingArrival } from '../listeners/session-of-listeners.js';
import type { ArrivalRecord, OpenedArrival, ServerObserver } from '../observe/observer.js';
import type { CalledSession } from './called-session.js';
import { ClientStream } from './client-stream.js';

/** One call in one session, to its end. It counts, and is told of, as what comes to a remote listener is. */
export class ServedCall implements OpenHandler, LivingArrival {
  readonly #options: CallService;
  readonly #session: CalledSession;
  readonly #service: string;
  readonly #events: CallEvents;
  #channel: Channel | undefined;
  #place: ChannelPlace | undefined;
  #stream: ClientStream | undefined;
  /** From its being made to the client's answer, ms; undefined until then. */
  #answerMs: number | undefined;
  /** The client takes it. */
  #isTaken = false;
  /** Anyone who has made it heard what became of it, or wants to hear nothing. */
  #isTold = false;

  constructor(options: CallService, session: CalledSession, service: string, events: CallEvents) {
    this.#options = options;
    this.#session = session;
    this.#service = service;
    this.#events = events;
  }

  /** The channel of it; undefined when there is no room for one, of which `events` are told. */
  begin(): Channel | undefined {
    const { guard } = this.#options;
    const { user, session } = this.#session;
    const refusal = this.#refusal;
    if (refusal !== undefined) {
      this.#tell({ ...this.#opened, answered: false, outcome: refusal, ...this.#sums });
      this.onFail(refusal);
      return undefined;
    }
    const channel = session.call(this.#service, this);
    // There are no numbers left, or there is no such name: `onFail` follows.
    if (channel.state.dead) return channel;
    this.#channel = channel;
    const place = ChannelPlace.take(guard, channel, user);
    this.#session.beginListeners().living.add(this);
    channel.onOver(() => this.#onOver(channel));
    if (place instanceof Promise) void place.then((late) => this.#settle(channel, late));
    else this.#settle(channel, place);
    return channel;
  }

  /** It has its place, or there is none. */
  #settle(channel: Channel, place: ChannelPlace | undefined): void {
    // Over before other processes have answered.
    if (channel.state.dead) return place?.leave();
    this.#place = place;
    if (place === undefined) {
      channel.reset('LIMIT_REACHED');
      this.onFail('LIMIT_REACHED');
    } else if (this.#isTaken) this.onOpen();
  }

  get info(): ArrivalInfo {
    const { listener, peer, answerMs } = this.#opened;
    const { durationMs: ageMs, ...sums } = this.#sums;
    return { listener, peer, open: answerMs !== undefined, ageMs, ...sums };
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#isTold = true;
    this.#channel?.reset();
  }

  onOpen(): void {
    this.#isTaken = true;
    const [channel, place] = [this.#channel, this.#place];
    if (channel === undefined || place === undefined || this.#isTold) return;
    this.#isTold = true;
    this.#answerMs = Math.round(channel.figures.age);
    const opened = this.#opened;
    const { observer, logger } = this.#options;
    observer.onArrivalOpened?.(opened);
    logger.debug(opened, 'arrival opened');
    const { id: user } = this.#session.user;
    const called = { user, session: this.#session.shortId, service: this.#service };
    const { allowHalfOpen } = this.#events;
    this.#stream = new ClientStream(new PacedChannel(channel, place.pace()), called, { allowHalfOpen });
    this.#events.onOpen(this.#stream);
  }

  onFail(code: FailureCode): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#events.onFail(code);
  }

  /** Undefined when there is room. */
  get #refusal(): FailureCode | undefined {
    const { guard } = this.#options;
    const { user, session } = this.#session;
    if (!guard.passes(user, guard.accounts.channelLimit(user))) return guard.refusalOf(user).code;
    if (session.channelCount < guard.limits.channelsPerSession) return undefined;
    guard.hit('channelsPerSession', user.id);
    return 'LIMIT_REACHED';
  }

  #onOver(channel: Channel): void {
    this.#session.beginListeners().living.delete(this);
    const answered = this.#answerMs !== undefined;
    const { failure } = channel.figures;
    // It was reset at this end, which tells the peer alone.
    if (failure === 'QUOTA_USED_UP') this.#stream?.destroy(new TunnelError(failure));
    this.#tell({ ...this.#opened, answered, outcome: failure ?? 'ok', ...this.#sums });
    this.#place?.leave();
  }

  #tell(record: ArrivalRecord): void {
    this.#session.beginListeners().onArrivalOver(record);
    this.#options.observer.onArrivalOver?.(record);
  }

  /** What it has carried so far. */
  get #sums(): Pick<ArrivalRecord, 'bytesUp' | 'bytesDown' | 'windowStalls' | 'durationMs'> {
    const { bytesReceived = 0, bytesSent = 0, windowStalls = 0, age = 0 } = this.#channel?.figures ?? {};
    return { bytesUp: bytesReceived, bytesDown: bytesSent, windowStalls, durationMs: Math.round(age) };
  }

  /** What every record of it begins with. */
  get #opened(): OpenedArrival {
    const { shortId: session, user } = this.#session;
    const names = { user: user.id, session, channel: this.#channel?.id };
    return { ...names, listener: `call:${this.#service}`, peer: undefined, answerMs: this.#answerMs };
  }
}

/** What serves all calls. */
export interface CallService {
  readonly guard: Guard;
  readonly logger: Logger;
  readonly observer: ServerObserver;
}

/** Told what becomes of a call: one of the two. */
export interface CallEvents {
  /** As of `net.Socket`. */
  readonly allowHalfOpen: boolean;
  onOpen(stream: ClientStream): void;
  onFail(code: FailureCode): void;
}
