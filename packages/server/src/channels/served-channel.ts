import {
  ACCOUNT_HOST,
  type FailureCode,
  formatTarget,
  type Logger,
  type OfferedChannel,
  TunnelError,
} from 'wsproxy-engine';
import type { Dialed, DialTarget, Policy } from 'wsproxy-node/dial';
import { type RelayPace, relay } from 'wsproxy-node/relay';
import { ChannelPlace } from '../limits/channel-place.js';
import type { Guard } from '../limits/guard.js';
import type { LimitName } from '../limits/limits.js';
import type { ChannelRecord, ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';
import { tellAccount } from './account-service.js';
import type { SessionOfChannels } from './session-of-channels.js';

/** One channel from its OPEN to its end: all that the server does for it. */
export class ServedChannel {
  readonly #service: ChannelService;
  readonly #channel: OfferedChannel;
  readonly #user: User;
  readonly #session: SessionOfChannels;
  /** What it holds, unless it was refused for that. */
  #place: ChannelPlace | undefined;
  /** Once it is open. */
  #destination: Dialed | undefined;
  /** From its being asked for to that, ms. */
  #dialMs: number | undefined;

  constructor(service: ChannelService, channel: OfferedChannel, user: User, session: SessionOfChannels) {
    this.#service = service;
    this.#channel = channel;
    this.#user = user;
    this.#session = session;
  }

  /** Everything that happens to it, in its order, until the relay runs; `#onOver` follows. */
  async serve(): Promise<void> {
    const channel = this.#channel;
    const { guard } = this.#service;
    if (channel.target.host === ACCOUNT_HOST) return tellAccount(channel, this.#user, guard.accounts);
    const place = ChannelPlace.take(guard, channel, this.#user);
    this.#place = place;
    this.#listen();
    if (place === undefined) return channel.refuse(guard.refusalOf(this.#user));

    const abandoned = new AbortController();
    channel.onAbandoned(() => abandoned.abort(new TunnelError('CANCELLED')));
    const dialed = await this.#session.turns.run(() => this.#dial(place, abandoned.signal), abandoned.signal);
    // Its turn has not come in time. Otherwise it is over already, and this is nothing to it.
    if (dialed === undefined) return channel.refuse('LIMIT_REACHED');
    const pace = place.hold(dialed.socket);
    // Whoever has dialled lets go of the socket a few turns before this one.
    if (channel.state.dead) dialed.socket.destroy();
    else this.#open(dialed, pace);
  }

  /** By itself: a function that lives as long as the channel keeps everything that is around it. */
  #listen(): void {
    this.#channel.onOver(() => this.#onOver());
  }

  /** Undefined when the target was not reached, and the channel is refused. */
  async #dial(place: ChannelPlace, signal: AbortSignal): Promise<Dialed | undefined> {
    const { dial, policyOf } = this.#service;
    const [{ target }, user] = [this.#channel, this.#user];
    if (!place.takeSocket()) return undefined;
    try {
      return await dial({ target, user, rules: policyOf(user), signal, room: place });
    } catch (error) {
      place.releaseSocket();
      this.#refuse(error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error)));
      return undefined;
    }
  }

  #open(destination: Dialed, pace: RelayPace): void {
    const [channel, { address }] = [this.#channel, destination];
    this.#destination = destination;
    this.#dialMs = Math.round(channel.figures.age);
    this.#service.observer.onChannelOpened?.({ ...this.#names, address, dialMs: this.#dialMs });
    channel.accept();
    relay(channel, destination.socket, pace);
    this.#log('debug', 'channel opened', {}, { address });
  }

  #refuse({ code, message }: TunnelError): void {
    const limit = LIMIT_OF[code];
    if (limit !== undefined) this.#service.guard.hit(limit, this.#user.id);
    this.#channel.refuse(code);
    // The reason names addresses.
    if (code !== 'CANCELLED') this.#log('info', 'channel refused', { code }, { reason: message });
  }

  #onOver(): void {
    const { figures } = this.#channel;
    const record: ChannelRecord = {
      ...this.#names,
      address: this.#destination?.address,
      dialMs: this.#dialMs,
      connected: this.#destination !== undefined,
      outcome: figures.failure ?? 'ok',
      bytesUp: figures.bytesReceived,
      bytesDown: figures.bytesSent,
      windowStalls: figures.windowStalls,
      durationMs: Math.round(figures.age),
    };
    this.#session.onChannelOver(record);
    this.#service.observer.onChannelOver?.(record);
    this.#place?.leave();
  }

  /** What every record of it begins with. */
  get #names(): Pick<ChannelRecord, 'user' | 'session' | 'channel' | 'probe' | 'target'> {
    const { id, isProbe } = this.#session;
    const { id: channel, target } = this.#channel;
    return {
      ...{ user: this.#user.id, session: id, channel },
      ...(isProbe && { probe: true }),
      target: formatTarget(target),
    };
  }

  /** `destination` tells what the user connects to. */
  #log(level: 'debug' | 'info', message: string, fields: object, destination: object): void {
    const { logger, logTargets } = this.#service;
    const { target, ...names } = this.#names;
    const named = logTargets && { target, ...destination };
    logger[level]({ ...names, ...fields, ...named }, message);
  }
}

/** What serves all channels. */
export interface ChannelService {
  readonly dial: DialTarget;
  /** What may be dialled for a user. */
  readonly policyOf: (user: User) => Policy;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  /** Whether log lines may say what users connect to. */
  readonly logTargets: boolean;
}

/** What a dial may come up against. */
const LIMIT_OF: Partial<Record<FailureCode, LimitName>> = {
  DIAL_TIMEOUT: 'dialTimeout',
  NAME_LOOKUP_TIMEOUT: 'lookupTimeout',
};
