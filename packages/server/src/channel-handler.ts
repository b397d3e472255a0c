import {
  type Channel,
  type FailureCode,
  formatTarget,
  type Logger,
  relay,
  systemClock,
  TunnelError,
} from 'wsproxy-protocol';
import type { Dial } from './dial.js';
import type { DialTurns } from './limits/dial-turns.js';
import { type Admission, Guard } from './limits/guard.js';
import { type LimitName, resolveLimits } from './limits/limits.js';
import type { ChannelRecord, ServerObserver } from './observer.js';
import type { Policy } from './policy.js';
import { isThroughputService, serveThroughput } from './throughput-service.js';
import type { User } from './users/user.js';

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

export type ChannelHandler = (channel: Channel, user: User, turns: DialTurns) => void;

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(
  dial: Dial,
  policyOf: (user: User) => Policy,
  logger: Logger,
  options: ChannelHandlerOptions = {},
): ChannelHandler {
  const { observer = {}, logTargets = true } = options;
  const { guard = new Guard({ limits: resolveLimits(), clock: systemClock, logger }) } = options;
  return (channel, user, turns) => {
    const target = formatTarget(channel.target);
    const log = { user: user.id, channel: channel.id, ...(logTargets && { target }) };
    let reached: { address: string | undefined } | undefined;
    channel.onOver = () => observer.onChannelOver?.(recordOf(channel, user, reached));
    guard.admit(channel, user, turns, (admission: Admission) => {
      if (isThroughputService(channel)) {
        admission.failed();
        return serveThroughput(channel, guard.paceOf(channel, user));
      }
      const abandoned = new AbortController();
      channel.onAbandoned = () => abandoned.abort();
      dial(channel.target, abandoned.signal, policyOf(user), user).then(
        ({ socket, address }) => {
          const pace = admission.succeeded(socket);
          // Whoever has dialled lets go of the socket a few turns before this one.
          if (abandoned.signal.aborted) {
            socket.destroy();
            return;
          }
          reached = { address };
          observer.onChannelOpened?.({ user: user.id, target, address });
          channel.accept();
          relay(channel, socket, pace);
          logger.debug({ ...log, ...(logTargets && { address }) }, 'channel opened');
        },
        (error: unknown) => {
          admission.failed();
          const failure = error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error));
          const limit = LIMIT_OF[failure.code];
          if (limit !== undefined) guard.hit(limit, user.id);
          channel.refuse(failure.code);
          if (failure.code === 'CANCELLED') return;
          // The reason names addresses.
          logger.info(
            { ...log, code: failure.code, ...(logTargets && { reason: failure.message }) },
            'channel refused',
          );
        },
      );
    });
  };
}

function recordOf(channel: Channel, user: User, reached: { address: string | undefined } | undefined): ChannelRecord {
  return {
    user: user.id,
    target: formatTarget(channel.target),
    address: reached?.address,
    connected: reached !== undefined,
    outcome: channel.failure ?? 'ok',
    bytesUp: channel.bytesReceived,
    bytesDown: channel.bytesSent,
    windowStalls: channel.windowStalls,
    durationMs: Math.round(channel.age),
  };
}
