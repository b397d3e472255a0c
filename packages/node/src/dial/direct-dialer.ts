import { connect as connectSocket, isIP, isIPv6, type Socket } from 'node:net';
import { type Clock, type FailureCode, formatTarget, systemClock, type Target, TunnelError } from 'wsproxy-engine';
import { KEEPALIVE_DELAY } from '../sockets/keepalive-delay.js';
import { canonicalAddress } from '../targets/address-class.js';
import type { DialTask } from './dial-task.js';
import type { ConnectUpstream } from './egress.js';
import { type Connected, connectFirst } from './happy-eyeballs.js';
import { createResolver, type Resolver } from './names/resolver.js';
import type { EmbedderPolicy } from './policy.js';

/** Resolves once, checks every address, and connects to one that was checked. Rejects with TunnelError. */
export class DirectDialer {
  readonly #options: DirectDialerOptions;
  readonly #resolver: Resolver;

  constructor(options: DirectDialerOptions) {
    this.#options = options;
    this.#resolver = options.resolver ?? createResolver();
  }

  async dial(task: DialTask): Promise<Connected> {
    return this.#connect(await this.resolve(task), task);
  }

  /** The addresses that may be dialled, in the spelling they were checked in, in the order to try them. */
  async resolve({ target, user, rules, signal }: DialTask): Promise<readonly string[]> {
    const { policy, prefer } = this.#options;
    const { host, port } = target;
    const name = isIP(host) === 0 ? host : undefined;
    const found = name === undefined ? [host] : await this.#resolver.resolve(name, signal, user.id);
    const addresses = found.map((address) => canonicalAddress(address) ?? address);
    const allowed = withoutDenied(target, addresses, (address) => rules?.check(address, port, name));
    if (policy === undefined) return inOrder(allowed, prefer);
    const answers = await Promise.all(allowed.map(async (address) => policy({ user, host, address, port })));
    const byPolicy = withoutDenied(target, allowed, (_, i) => (answers[i] === true ? undefined : 'denied:policy'));
    return inOrder(byPolicy, prefer);
  }

  async #connect(addresses: readonly string[], { target, signal, room }: DialTask): Promise<Connected> {
    const { clock = systemClock, attemptDelay = 250, connect = connectPaused, upstream } = this.#options;
    const { bindAddresses = [] } = this.#options;
    if (upstream !== undefined) return firstThrough(upstream, addresses, target.port, signal);
    const localAddressFor = (address: string) => bindAddresses.find((own) => isIP(own) === isIP(address));
    const reachable = addresses.filter((one) => bindAddresses.length === 0 || localAddressFor(one) !== undefined);
    if (reachable.length === 0) {
      throw new TunnelError('NETWORK_UNREACHABLE', `no address to dial ${addresses.join(', ')} from`);
    }
    return connectFirst(reachable, {
      connect: (address) => connect(address, target.port, localAddressFor(address)),
      attemptDelay,
      clock,
      signal,
      room,
    });
  }
}

export interface DirectDialerOptions {
  /** Default: hosts file and nameservers of the system. */
  readonly resolver?: Resolver;
  /** Is asked about what the rules have allowed. */
  readonly policy?: EmbedderPolicy;
  readonly clock?: Clock;
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

/** The addresses without a rule against them. All denied is DENIED, not "unreachable". */
function withoutDenied(
  target: Target,
  addresses: readonly string[],
  ruleAgainst: (address: string, i: number) => string | undefined,
): readonly string[] {
  const denials: string[] = [];
  const rest = addresses.filter((address, i) => {
    const rule = ruleAgainst(address, i);
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
): Promise<Connected> {
  const [address = '', ...others] = addresses;
  try {
    return { socket: await upstream(address, port, signal), address };
  } catch (error) {
    const mayDiffer = error instanceof TunnelError && WORTH_ANOTHER_TRY.has(error.code);
    if (!mayDiffer || others.length === 0) throw error;
    return firstThrough(upstream, others, port, signal);
  }
}

/**
 * The socket stays paused until `resume()` is called; nothing listens for its data. It has an `error` listener for good,
 * so an early failure only shows as `socket.destroyed`.
 */
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
