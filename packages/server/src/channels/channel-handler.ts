import {
  type FailureCode,
  formatTarget,
  type Logger,
  type OfferedChannel,
  systemClock,
  TunnelError,
} from 'wsproxy-engine';
import type { Dialed, DialTarget, Policy } from 'wsproxy-node/dial';
import { type RelayPace, relay } from 'wsproxy-node/relay';
import type { DialTurns } from '../limits/dial-turns.js';
import { Guard } from '../limits/guard.js';
import type { Admitted } from '../limits/held.js';
import { type LimitName, resolveLimits } from '../limits/limits.js';
import type { ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';

export interface ChannelHandlerOptions {
  readonly observer?: ServerObserver;
  /** Whether log lines may say what users connect to. Default true. */
  readonly logTargets?: boolean;
  /** Default: one with the default limits. */
  readonly guard?: Guard;
}

/** What a dial may come up against. */
const LIMIT_OF: Partial<Record<FailureCode, LimitName>> = {
  DIAL_TIMEOUT: 'dialTimeout',
  NAME_LOOKUP_TIMEOUT: 'lookupTimeout',
};

export type ChannelHandler = (channel: OfferedChannel, user: User, turns: DialTurns) => void;

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(
  dial: DialTarget,
  policyOf: (user: User) => Policy,
  logger: Logger,
  options: ChannelHandlerOptions = {},
): ChannelHandler {
  const { observer = {}, logTargets = true } = options;
  const { guard = new Guard({ limits: resolveLimits(), clock: systemClock, logger }) } = options;
  const service = { dial, policyOf, logger, observer, logTargets, guard };
  return (channel, user, turns) => {
    const served = new ServedChannel(service, channel, user);
    channel.onOver(() => served.onOver());
    guard.admit(channel, user, turns, (admitted) => void served.dial(admitted));
  };
}

/** What serves all channels. */
interface Service extends Required<ChannelHandlerOptions> {
  readonly dial: DialTarget;
  readonly policyOf: (user: User) => Policy;
  readonly logger: Logger;
}

class ServedChannel {
  readonly #service: Service;
  readonly #channel: OfferedChannel;
  readonly #user: User;
  #isConnected = false;
  #address: string | undefined;

  constructor(service: Service, channel: OfferedChannel, user: User) {
    this.#service = service;
    this.#channel = channel;
    this.#user = user;
  }

  async dial(admitted: Admitted): Promise<void> {
    const { dial, policyOf } = this.#service;
    const ending = new AbortController();
    this.#channel.onAbandoned(() => ending.abort(new TunnelError('CANCELLED')));
    let dialed: Dialed;
    try {
      dialed = await dial({
        target: this.#channel.target,
        user: this.#user,
        rules: policyOf(this.#user),
        signal: ending.signal,
        room: admitted,
      });
    } catch (error) {
      admitted.failed();
      return this.#refuse(error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error)));
    }
    const pace = admitted.succeeded(dialed.socket);
    // Whoever has dialled lets go of the socket a few turns before this one.
    if (this.#channel.state.dead) dialed.socket.destroy();
    else this.#open(dialed, pace);
  }

  onOver(): void {
    const { observer } = this.#service;
    const { target, figures } = this.#channel;
    observer.onChannelOver?.({
      user: this.#user.id,
      target: formatTarget(target),
      address: this.#address,
      connected: this.#isConnected,
      outcome: figures.failure ?? 'ok',
      bytesUp: figures.bytesReceived,
      bytesDown: figures.bytesSent,
      windowStalls: figures.windowStalls,
      durationMs: Math.round(figures.age),
    });
  }

  #open({ socket, address }: Dialed, pace: RelayPace): void {
    const { observer } = this.#service;
    this.#isConnected = true;
    this.#address = address;
    observer.onChannelOpened?.({ user: this.#user.id, target: formatTarget(this.#channel.target), address });
    this.#channel.accept();
    relay(this.#channel, socket, pace);
    this.#log('debug', 'channel opened', {}, { address });
  }

  #refuse({ code, message }: TunnelError): void {
    const { guard } = this.#service;
    const limit = LIMIT_OF[code];
    if (limit !== undefined) guard.hit(limit, this.#user.id);
    this.#channel.refuse(code);
    // The reason names addresses.
    if (code !== 'CANCELLED') this.#log('info', 'channel refused', { code }, { reason: message });
  }

  /** `destination` tells what the user connects to. */
  #log(level: 'debug' | 'info', message: string, fields: object, destination: object): void {
    const { logger, logTargets } = this.#service;
    const { id, target } = this.#channel;
    const named = logTargets && { target: formatTarget(target), ...destination };
    logger[level]({ user: this.#user.id, channel: id, ...fields, ...named }, message);
  }
}
