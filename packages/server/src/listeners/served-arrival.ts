import { Socket } from 'node:net';
import { type Arrival, type Channel, type FailureCode, formatTarget, type OpenHandler } from 'wsproxy-engine';
import { relay } from 'wsproxy-node/relay';
import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import { ChannelPlace } from '../limits/channel-place.js';
import type { ArrivalRecord, OpenedArrival } from '../observe/observer.js';
import type { ArrivalInfo } from './arrival-info.js';
import type { Claim } from './claim.js';
import type { ArrivalEvents } from './held.js';
import type { ListenerService } from './listener-service.js';
import { formatListenPlace, type ListenPlace } from './rules/listen-place.js';
import type { LivingArrival } from './session-of-listeners.js';
import type { WaitingArrivals } from './waiting-arrivals.js';

/** One connection that has come to a remote listener, to its end: all that the server does for it. */
export class ServedArrival implements OpenHandler, LivingArrival {
  readonly #service: ListenerService;
  readonly #task: ArrivalTask;
  /** Whose it is: another one's, when that takes the listener over before a client has heard of it. */
  #claim: Claim;
  #channel: Channel | undefined;
  #place: ChannelPlace | undefined;
  /** From its coming to the client's answer, ms; undefined until then. */
  #answerMs: number | undefined;

  constructor(service: ListenerService, task: ArrivalTask) {
    this.#service = service;
    this.#task = task;
    this.#claim = task.claim;
  }

  /** At once, whether the client is there or not: what it is told waits in its session, with the first bytes of the one who has come. */
  begin(): void {
    this.#claim.arrivals += 1;
    if (!this.#hasRoom()) return this.#turnAway();
    const { arrival, waiting } = this.#task;
    const { guard } = this.#service;
    const { session, listener } = this.#claim;
    const channel = session.session.openIncoming(listener, arrival, this);
    // There are no numbers left: `onFail` follows.
    if (channel.state.dead) return;
    const place = ChannelPlace.take(guard, channel, session.user);
    this.#channel = channel;
    waiting.add(channel, this);
    this.#claim.unanswered += 1;
    session.living.add(this);
    this.#listen(channel);
    if (place instanceof Promise) void place.then((late) => this.#join(channel, late));
    else this.#join(channel, place);
  }

  /** It has its place, or there is none. */
  #join(channel: Channel, place: ChannelPlace | undefined): void {
    const { socket } = this.#task;
    // Over before other processes have answered.
    if (channel.state.dead) return place?.leave();
    this.#place = place;
    // Streams that are no sockets have their places elsewhere.
    const isPlaced = place !== undefined && (!(socket instanceof Socket) || place.takeSocket());
    if (!isPlaced) {
      channel.reset('LIMIT_REACHED');
      return this.onFail('LIMIT_REACHED');
    }
    if (socket.destroyed) return channel.reset('CONNECTION_RESET');
    relay(channel, socket, place.hold({ socket, endpoint: undefined }));
    socket.on('close', () => this.#onClose());
  }

  /** Nobody has heard of it, and another session has the listener. */
  moveTo(claim: Claim): void {
    this.#claim.unanswered -= 1;
    this.#claim.session.living.delete(this);
    this.#claim = claim;
    claim.unanswered += 1;
    claim.session.living.add(this);
  }

  get info(): ArrivalInfo {
    const { listener, peer, answerMs } = this.#opened;
    const { durationMs: ageMs, ...sums } = this.#sums;
    return { listener, peer, open: answerMs !== undefined, ageMs, ...sums };
  }

  /** The client takes it. */
  onOpen(): void {
    this.#settle();
    this.#answerMs = Math.round(this.#channel?.figures.age ?? 0);
    const { observer, logger, logTargets } = this.#service;
    const opened = this.#opened;
    observer.onArrivalOpened?.(opened);
    const { listener: _, peer: _peer, ...names } = opened;
    logger.debug(logTargets ? opened : names, 'arrival opened');
    this.#task.events?.onOpen();
  }

  /** The client does not take it, or is not there for good. */
  onFail(code: FailureCode): void {
    const { events, socket } = this.#task;
    events?.onFail(code);
    resetSocket(socket);
  }

  #hasRoom(): boolean {
    const { guard } = this.#service;
    const { user, session } = this.#claim.session;
    const backlog = this.#claim.backlogWithin(guard.limits.listenBacklog);
    if (!guard.passes(user, guard.accounts.channelLimit(user))) return false;
    if (this.#claim.unanswered >= backlog) guard.hit('listenBacklog', user.id, backlog);
    else if (session.channelCount >= guard.limits.channelsPerSession) guard.hit('channelsPerSession', user.id);
    else return true;
    return false;
  }

  /** There is no room, so there is no channel. */
  #turnAway(): void {
    const outcome = 'LIMIT_REACHED';
    this.#tell({ ...this.#opened, answered: false, outcome, ...this.#sums });
    this.onFail(outcome);
  }

  /** By itself: a function that lives as long as the channel keeps everything that is around it. */
  #listen(channel: Channel): void {
    channel.onOver(() => this.#onOver(channel));
  }

  /** Anyone who has left before an answer is not to be served any more. */
  #onClose(): void {
    if (this.#channel?.state.opening === 'requested') this.#channel.reset('CONNECTION_RESET');
  }

  #onOver(channel: Channel): void {
    this.#settle();
    const answered = this.#answerMs !== undefined;
    this.#tell({ ...this.#opened, answered, outcome: channel.figures.failure ?? 'ok', ...this.#sums });
    this.#claim.session.living.delete(this);
    this.#place?.leave();
  }

  #tell(record: ArrivalRecord): void {
    this.#claim.session.onArrivalOver(record);
    this.#service.observer.onArrivalOver?.(record);
  }

  /** It waits for no answer any more. */
  #settle(): void {
    if (this.#channel === undefined || !this.#task.waiting.delete(this.#channel)) return;
    this.#claim.unanswered -= 1;
  }

  /** What it has carried so far. */
  get #sums(): ArrivalSums {
    const { bytesReceived = 0, bytesSent = 0, windowStalls = 0, age = 0 } = this.#channel?.figures ?? {};
    return { bytesUp: bytesReceived, bytesDown: bytesSent, windowStalls, durationMs: Math.round(age) };
  }

  /** What every record of it begins with. */
  get #opened(): OpenedArrival {
    const { id: session, user } = this.#claim.session;
    const { peer } = this.#task.arrival;
    return {
      ...{ user: user.id, session, channel: this.#channel?.id },
      listener: formatListenPlace(this.#task.place),
      peer: peer && formatTarget(peer),
      answerMs: this.#answerMs,
    };
  }
}

type ArrivalSums = Pick<ArrivalRecord, 'bytesUp' | 'bytesDown' | 'windowStalls' | 'durationMs'>;

/** What has come, to which listener, and who has that now. */
export interface ArrivalTask {
  readonly claim: Claim;
  readonly place: ListenPlace;
  readonly arrival: Arrival;
  readonly socket: RelaySocket;
  readonly events: ArrivalEvents | undefined;
  /** Of the listener, all that wait for an answer. */
  readonly waiting: WaitingArrivals;
}
