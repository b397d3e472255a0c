import { connect as connectSocket, isIP, type Socket } from 'node:net';
import {
  type Clock,
  formatTarget,
  parseHost,
  parsePort,
  systemClock,
  type Target,
  TunnelError,
} from 'wsproxy-protocol';
import { canonicalAddress } from './address-class.js';
import { connectFirst, type Dialed } from './connect-first.js';
import type { Policy } from './policy.js';
import type { Resolver } from './resolver.js';

/** Opens destinations. */
export interface Dialer {
  /**
   * Resolves once, checks every address and connects to one that was checked. Rejects with a TunnelError, whose message
   * is for the log; with CANCELLED, every attempt destroyed, once `signal` aborts. After it has resolved, the socket is
   * the caller's, and `signal` no longer counts.
   *
   * The socket is paused and stays so until `resume()` is called; nothing listens for its data. It has an `error`
   * listener for good, so an early failure only shows as `socket.destroyed`. Its `remoteAddress` was never read, which
   * on Node 20 and 22 is the only way to tell a reset from an end: use `address`.
   */
  dial(target: Target, signal: AbortSignal): Promise<Dialed>;
}

export interface DialerOptions {
  readonly policy: Policy;
  readonly resolver: Resolver;
  readonly clock?: Clock;
  /** For the whole of it, lookup and every attempt, ms; default 10 s. */
  readonly dialTimeout?: number;
  /** Head start of an attempt over the next one, ms; default 250 (RFC 8305 section 8). */
  readonly attemptDelay?: number;
  /** Starts one attempt at an IP literal; default: a TCP connection of the system. */
  readonly connect?: (address: string, port: number) => Socket;
}

/** First keepalive probe after this much silence, ms: a destination that vanished must not hold its channel for ever. */
const KEEPALIVE_DELAY = 60_000;

export function createDialer(options: DialerOptions): Dialer {
  const { policy, resolver, clock = systemClock, dialTimeout = 10_000, attemptDelay = 250 } = options;
  const { connect = connectPaused } = options;

  return {
    async dial(target, signal) {
      const host = parseHost(target.host);
      if (host === undefined || parsePort(String(target.port)) === undefined) throw new TunnelError('BAD_TARGET');

      const ending = new AbortController();
      const onTimeout = () => ending.abort(new TunnelError('DIAL_TIMEOUT', `no connection in ${dialTimeout} ms`));
      const onAbort = () => ending.abort(new TunnelError('CANCELLED'));
      const timer = clock.setTimer(onTimeout, dialTimeout);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        const addresses = isIP(host) === 0 ? await resolver.resolve(host, ending.signal) : [host];
        return await connectFirst(allowed(policy, target, addresses), {
          connect: (address) => connect(address, target.port),
          attemptDelay,
          clock,
          signal: ending.signal,
        });
      } catch (error) {
        throw error instanceof TunnelError ? error : new TunnelError('INTERNAL', undefined, { cause: error });
      } finally {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

/** The addresses the policy allows, in the spelling it has judged. All denied is DENIED, not "unreachable". */
function allowed(policy: Policy, target: Target, addresses: readonly string[]): string[] {
  const denials: string[] = [];
  const rest = addresses
    .map((address) => canonicalAddress(address) ?? address)
    .filter((address) => {
      const rule = policy.check(address, target.port);
      if (rule !== undefined) denials.push(`${address} ${rule}`);
      return rule === undefined;
    });
  if (rest.length === 0) throw new TunnelError('DENIED', `${formatTarget(target)}: ${denials.join(', ')}`);
  return rest;
}

function connectPaused(address: string, port: number): Socket {
  const socket = connectSocket({
    host: address,
    port,
    family: isIP(address),
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY,
    autoSelectFamily: false,
  });
  // Without this Node would read ahead before anybody has a place for the bytes.
  socket.pause();
  socket.on('error', () => {});
  return socket;
}
