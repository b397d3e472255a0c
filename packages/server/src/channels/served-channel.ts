import {
  ACCOUNT_HOST,
  type FailureCode,
  formatTarget,
  type Logger,
  type OfferedChannel,
  TunnelError,
} from 'wsproxy-engine';
import { type Dialed, type DialTarget, type GiveUpSignal, GivingUp, type Policy } from 'wsproxy-node/dial';
import { type RelayPace, relay } from 'wsproxy-node/relay';
import { ChannelPlace } from '../limits/channel-place.js';
import { cutOff } from '../limits/cut-off.js';
import { type Guard, limitReached } from '../limits/guard.js';
import type { LimitName } from '../limits/limits.js';
import type { ChannelRecord, ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { SessionOfChannels } from './session-of-channels.js';

/** One channel from its OPEN to its end: all that the server does for it. */
export class ServedChannel {
  readonly #service: ChannelService;
  readonly #channel: OfferedChannel;
  readonly #user: User;
  readonly #session: SessionOfChannels;
  readonly #isProbe: boolean;
  /** What it holds, unless it was refused for that. */
  #place: ChannelPlace | undefined;
  #isRefused = false;
  /** From its being asked for to its being open, ms, and where it leads; undefined until then. */
  #dialMs: number | undefined;
  #address: string | undefined;

  constructor(service: ChannelService, channel: OfferedChannel, user: User, session: SessionOfChannels) {
    this.#service = service;
    this.#channel = channel;
    this.#user = user;
    this.#session = session;
    this.#isProbe = session.takesForProbe(channel.target);
  }

  /** Everything that happens to it, in its order, until the relay runs; `#onOver` follows. */
  async serve(): Promise<void> {
    const channel = this.#channel;
    const { guard } = this.#service;
    // Where the quota is used up a user asks for the account.
    const isFree = channel.target.host === ACCOUNT_HOST;
    const found = ChannelPlace.take(guard, channel, this.#user, isFree);
    const isLate = found instanceof Promise;
    if (isLate) this.#listen();
    const place = isLate ? await found : found;
    // Over before other processes have answered.
    if (isLate && channel.state.dead) return place?.leave();
    this.#place = place;
    if (!isLate) this.#listen();
    if (place === undefined) return this.#refuse(guard.refusalOf(this.#user));

    const abandoned = new GivingUp();
    channel.onAbandoned(() => abandoned.abort(new TunnelError('CANCELLED')));
    const dialed = await this.#reach(place, abandoned);
    if (dialed === undefined) return;
    const pace = place.hold(dialed);
    // Anyone who has dialled lets go of the socket a few turns before this one.
    if (channel.state.dead) cutOff(dialed.socket);
    else this.#open(dialed, pace);
  }

  /** The session does not take it. */
  turnAway(code: 'LIMIT_REACHED' | 'GOING_AWAY'): void {
    this.#listen();
    if (code === 'GOING_AWAY') return this.#refuse(new TunnelError(code));
    this.#service.guard.hit('channelsPerSession', this.#user.id);
    this.#refuse(limitReached('channelsPerSession'));
  }

  /** By itself: a function that lives as long as the channel keeps everything that is around it. */
  #listen(): void {
    this.#channel.onOver(() => this.#onOver());
  }

  /** Undefined when the target was not reached, and the channel is refused. */
  async #reach(place: ChannelPlace, signal: GiveUpSignal): Promise<Dialed | undefined> {
    try {
      const dialed = await this.#session.turns.run(() => this.#dial(place, signal), signal);
      if (dialed !== undefined) return dialed;
      // Otherwise it is over already, and this is nothing to it.
      this.#refuse(new TunnelError('LIMIT_REACHED', 'its turn has not come in time'));
    } catch (error) {
      this.#refuse(error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error)));
    }
    return undefined;
  }

  /** When it is its turn. */
  async #dial(room: ChannelPlace, signal: GiveUpSignal): Promise<Dialed> {
    const { dial, policyOf } = this.#service;
    const [{ target }, user] = [this.#channel, this.#user];
    if (!room.takeSocket()) throw limitReached('sockets');
    try {
      return await dial({ target, user, rules: policyOf(user), signal, room });
    } catch (error) {
      room.releaseSocket();
      throw error;
    }
  }

  #open(destination: Dialed, pace: RelayPace): void {
    const [channel, { address }] = [this.#channel, destination];
    this.#address = address;
    this.#dialMs = Math.round(channel.figures.age);
    const names = this.#names;
    this.#service.observer.onChannelOpened?.({ ...names, address, dialMs: this.#dialMs });
    channel.accept();
    relay(channel, destination.socket, pace);
    this.#service.logger.debug(this.#line({}, { address }, names), 'channel opened');
  }

  /** Unless it is over, since the one who has given it up is refused nothing. */
  #refuse(error: TunnelError): void {
    if (this.#channel.state.dead) return;
    const { guard } = this.#service;
    const { code, message } = error;
    guard.failed(error);
    const limit = LIMIT_OF[code];
    if (limit !== undefined) guard.hit(limit, this.#user.id);
    // Before `channel over`. The reason may name addresses.
    guard.lines.write({ user: this.#user.id, code }, this.#line({ code }, { reason: message }), 'channel refused');
    this.#isRefused = true;
    this.#channel.refuse(code);
  }

  #onOver(): void {
    const { figures } = this.#channel;
    const record: ChannelRecord = {
      ...this.#names,
      address: this.#address,
      dialMs: this.#dialMs,
      connected: this.#dialMs !== undefined,
      refused: this.#isRefused,
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
  get #names(): ChannelNames {
    const { id: session } = this.#session;
    const { id: channel } = this.#channel;
    const user = this.#user.id;
    const target = formatTarget(this.#channel.target);
    return this.#isProbe ? { user, session, channel, probe: true, target } : { user, session, channel, target };
  }

  /** For the log. `destination` tells what the user connects to. */
  #line(fields: object, destination: object, { target, ...names }: ChannelNames = this.#names): object {
    const named = this.#service.logTargets && { target, ...destination };
    return { ...names, ...fields, ...named };
  }
}

type ChannelNames = Pick<ChannelRecord, 'user' | 'session' | 'channel' | 'probe' | 'target'>;

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
