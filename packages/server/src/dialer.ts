import { connect as connectSocket, isIP, isIPv6, type Socket } from 'node:net';
import {
  type Clock,
  type FailureCode,
  formatTarget,
  parseHost,
  parsePort,
  systemClock,
  type Target,
  TunnelError,
} from 'wsproxy-protocol';
import { canonicalAddress } from './address-class.js';
import { connectFirst, type Dialed } from './connect-first.js';
import type { ConnectUpstream } from './egress.js';
import type { Policy } from './policy.js';
import type { Resolver } from './resolver.js';

/** Opens destinations. */
export interface Dialer {
  /**
   * Resolves once, checks every address with `policy` and connects to one that was checked. Rejects with a TunnelError, whose message
   * is for the log; with CANCELLED, every attempt destroyed, once `signal` aborts. After it has resolved, the socket is
   * the caller's, and `signal` no longer counts.
   *
   * The socket is paused and stays so until `resume()` is called; nothing listens for its data. It has an `error`
   * listener for good, so an early failure only shows as `socket.destroyed`. Its `remoteAddress` was never read, which
   * on Node 20 and 22 is the only way to tell a reset from an end: use `address`.
   */
  dial(target: Target, signal: AbortSignal, policy: Policy, user?: string): Promise<Dialed>;
}

export interface DialerOptions {
  readonly resolver: Resolver;
  readonly clock?: Clock;
  /** For the whole of it, lookup and every attempt, ms; default 10 s. */
  readonly dialTimeout?: number;
  /** Head start of an attempt over the next one, ms; default 250 (RFC 8305 section 8). */
  readonly attemptDelay?: number;
  /** Starts one attempt at an IP literal; default: a TCP connection of the system. */
  readonly connect?: (address: string, port: number, localAddress: string | undefined) => Socket;
  /** Reaches addresses in place of `connect`, one after the other. */
  readonly upstream?: ConnectUpstream;
  /** See `EgressOptions`. */
  readonly bindAddresses?: readonly string[];
  readonly prefer?: 'ipv4' | 'ipv6';
}

/** First keepalive probe after this much silence, ms: a destination that vanished must not hold its channel for ever. */
const KEEPALIVE_DELAY = 60_000;

export function createDialer(options: DialerOptions): Dialer {
  const { resolver, clock = systemClock, dialTimeout = 10_000, attemptDelay = 250 } = options;
  const { connect = connectPaused, upstream, bindAddresses = [], prefer } = options;
  const localAddressFor = (address: string) => bindAddresses.find((own) => isIP(own) === isIP(address));

  return {
    async dial(target, signal, policy, user) {
      const host = parseHost(target.host);
      if (host === undefined || parsePort(String(target.port)) === undefined) throw new TunnelError('BAD_TARGET');

      const ending = new AbortController();
      const onTimeout = () => ending.abort(new TunnelError('DIAL_TIMEOUT', `no connection in ${dialTimeout} ms`));
      const onAbort = () => ending.abort(new TunnelError('CANCELLED'));
      const timer = clock.setTimer(onTimeout, dialTimeout);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        const name = isIP(host) === 0 ? host : undefined;
        const addresses = name === undefined ? [host] : await resolver.resolve(name, ending.signal, user);
        const judge = (address: string) => policy.check(address, target.port, name);
        const candidates = inOrder(allowed(target, addresses, judge), prefer);
        if (upstream !== undefined) return await firstThrough(upstream, candidates, target.port, ending.signal);
        const reachable = candidates.filter((one) => bindAddresses.length === 0 || localAddressFor(one) !== undefined);
        if (reachable.length === 0) {
          throw new TunnelError('NETWORK_UNREACHABLE', `no address to dial ${candidates.join(', ')} from`);
        }
        return await connectFirst(reachable, {
          connect: (address) => connect(address, target.port, localAddressFor(address)),
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
function allowed(
  target: Target,
  addresses: readonly string[],
  judge: (address: string) => string | undefined,
): string[] {
  const denials: string[] = [];
  const rest = addresses
    .map((address) => canonicalAddress(address) ?? address)
    .filter((address) => {
      const rule = judge(address);
      if (rule !== undefined) denials.push(`${address} ${rule}`);
      return rule === undefined;
    });
  if (rest.length === 0) throw new TunnelError('DENIED', `${formatTarget(target)}: ${denials.join(', ')}`);
  return rest;
}

function inOrder(addresses: readonly string[], prefer: 'ipv4' | 'ipv6' | undefined): readonly string[] {
  if (prefer === undefined) return addresses;
  const comesLater = (address: string) => Number(isIPv6(address) !== (prefer === 'ipv6'));
  return [...addresses].sort((a, b) => comesLater(a) - comesLater(b));
}

/** What only the way through the proxy decides is no reason to try the next address of the same destination. */
const WORTH_ANOTHER_TRY: ReadonlySet<FailureCode> = new Set([
  'CONNECTION_REFUSED',
  'HOST_UNREACHABLE',
  'NETWORK_UNREACHABLE',
]);

async function firstThrough(
  upstream: ConnectUpstream,
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Dialed> {
  const [address = '', ...others] = addresses;
  try {
    return { socket: await upstream(address, port, signal), address };
  } catch (error) {
    const mayDiffer = error instanceof TunnelError && WORTH_ANOTHER_TRY.has(error.code);
    if (!mayDiffer || others.length === 0) throw error;
    return firstThrough(upstream, others, port, signal);
  }
}

function connectPaused(address: string, port: number, localAddress: string | undefined): Socket {
  const socket = connectSocket({
    host: address,
    port,
    ...(localAddress !== undefined && { localAddress }),
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
