import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { type Clock, type FailureCode, systemClock, TunnelError } from 'wsproxy-engine';
import { ignoreErrors } from '../sockets/ignore-errors.js';
import { KEEPALIVE_DELAY } from '../sockets/keepalive-delay.js';
import { AllowedAddresses, type AllowedAddressesOptions } from './allowed-addresses.js';
import type { Dialed, DialTask } from './dial-task.js';
import type { ConnectUpstream } from './egress.js';
import { type Connected, connectFirst } from './happy-eyeballs.js';
import { abortSignalOf } from './race/giving-up.js';

/** Resolves once, checks every address, and connects to one that was checked. Rejects with TunnelError. */
export class DirectDialer {
  readonly #options: DirectDialerOptions;
  readonly #allowed: AllowedAddresses;

  constructor(options: DirectDialerOptions) {
    this.#options = options;
    this.#allowed = new AllowedAddresses(options);
  }

  async dial(task: DialTask): Promise<Connected & Dialed> {
    const { target, room } = task;
    const endpointOf = (address: string) =>
      this.#options.upstream === undefined ? `${address} ${target.port}` : UPSTREAM;
    const addresses = await this.#allowed.resolve(task);
    const open = addresses.filter((address) => room?.hasPort(endpointOf(address)) ?? true);
    if (open.length === 0)
      throw new TunnelError('LIMIT_REACHED', `no local port towards ${addresses.join(', ')} is left`);
    const connected = await this.#connect(open, task);
    return { ...connected, endpoint: endpointOf(connected.address) };
  }

  /** The addresses that may be dialled, in the spelling they were checked in, in the order to try them. */
  resolve(task: DialTask): Promise<readonly string[]> {
    return this.#allowed.resolve(task);
  }

  async #connect(addresses: readonly string[], { target, signal, room }: DialTask): Promise<Connected> {
    const { clock = systemClock, attemptDelay = 250, connect = connectPaused, upstream } = this.#options;
    const { bindAddresses = [] } = this.#options;
    if (upstream !== undefined) return firstThrough(upstream, addresses, target.port, abortSignalOf(signal));
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

export interface DirectDialerOptions extends AllowedAddressesOptions {
  readonly clock?: Clock;
  /** Head start of an attempt over the next one, ms; default 250 (RFC 8305 section 8). */
  readonly attemptDelay?: number;
  /** Starts one attempt at an IP literal; default: a TCP connection of the system. */
  readonly connect?: (address: string, port: number, localAddress: string | undefined) => Socket;
  /** Reaches addresses in place of `connect`, one after the other. */
  readonly upstream?: ConnectUpstream;
  /** See `EgressOptions`. */
  readonly bindAddresses?: readonly string[];
}

/** The endpoint of every socket where a proxy is on the way. */
const UPSTREAM = 'upstream';

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
  ignoreErrors(socket);
  return socket;
}
