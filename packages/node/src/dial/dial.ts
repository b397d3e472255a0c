import { parseHost, parsePort, systemClock, type Target, THROUGHPUT_HOST, TunnelError } from 'wsproxy-engine';
import type { Asker } from './asker.js';
import type { Dialer } from './dialer.js';
import { DirectDialer, type DirectDialerOptions, type Errand, type Reached } from './direct-dialer.js';
import { dialOwn } from './embedder-dialer.js';
import type { AttemptRoom } from './happy-eyeballs.js';
import type { Policy } from './policy.js';
import { ThroughputService } from './throughput-service.js';

/**
 * Reaches a target. Rejects with a TunnelError, whose message is for the log; with the reason of `ending`, every attempt
 * destroyed, once that aborts: the caller aborts it with a TunnelError, the dial itself with DIAL_TIMEOUT. After it has
 * resolved, the socket is the caller's, and `ending` no longer counts. `room`: for sockets beyond one, which the caller has
 * a place for.
 */
export type Dial = (
  target: Target,
  ending: AbortController,
  rules: Policy,
  user: Asker,
  room?: AttemptRoom,
) => Promise<Reached>;

export interface DialOptions extends DirectDialerOptions {
  /** For the whole of it, lookup and every attempt, ms; default 10 s. */
  readonly dialTimeout?: number;
  /** Default: the server itself, directly. */
  readonly dialer?: Dialer;
}

export function createDial(options: DialOptions): Dial {
  const { clock = systemClock, dialTimeout = 10_000, dialer } = options;
  const direct = new DirectDialer(options);
  return async (target, ending, rules, user, room) => {
    const host = parseHost(target.host);
    if (host === undefined || parsePort(String(target.port)) === undefined) throw new TunnelError('BAD_TARGET');
    if (host === THROUGHPUT_HOST) return { socket: new ThroughputService(), address: undefined };
    const onTimeout = () => ending.abort(new TunnelError('DIAL_TIMEOUT', `no connection in ${dialTimeout} ms`));
    const timer = clock.setTimer(onTimeout, dialTimeout);
    const errand = { target: { host, port: target.port }, user, rules, signal: ending.signal, room };
    try {
      if (dialer !== undefined) return await dialOwn(dialer, errand, direct);
      return await reachDirectly(direct, errand);
    } catch (error) {
      if (error instanceof TunnelError) throw error;
      throw new TunnelError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      timer.cancel();
    }
  };
}

async function reachDirectly(direct: DirectDialer, errand: Errand): Promise<Reached> {
  return direct.connect(await direct.resolve(errand), errand);
}
