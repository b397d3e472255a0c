import { isIP, type Socket } from 'node:net';
import { type FailureCode, parsePort, TunnelError } from 'wsproxy-engine';
import type { Mistake } from '../options/option-error.js';
import { DNS_PORT } from '../sockets/udp-idle.js';
import { classifyAddress } from '../targets/address-class.js';
import { connectThrough, prepareFor } from './upstream/connect-through.js';
import { formatProxy, parseProxyUrl } from './upstream/proxy.js';
import { ProxyError, type ProxyErrorCode } from './upstream/proxy-error.js';

/** By which way destinations are reached, in plain values. */
export interface EgressOptions {
  /** A proxy through which every destination is reached: `socks5://user:password@host:port` or `http://…`. */
  readonly upstream?: string;
  /** Addresses of this host from which destinations are dialled, one of a family; a family without one is not dialled. */
  readonly bindAddresses?: readonly string[];
  /** The family that is tried first. Default: the order in which names are answered. */
  readonly prefer?: 'ipv4' | 'ipv6';
  /** Nameservers asked in place of the system and its hosts file: `192.0.2.53`, `192.0.2.53:53`, `[2001:db8::53]:53`. */
  readonly nameservers?: readonly string[];
}

/** What is wrong with the options. */
export function mistakesInEgress(options: EgressOptions): readonly Mistake[] {
  const { upstream, bindAddresses = [], nameservers = [], prefer } = options;
  const mistakes: Mistake[] = [];
  const blame = (key: keyof EgressOptions, problem: string): void => void mistakes.push({ key, problem });
  try {
    if (upstream !== undefined) parseProxyUrl(upstream);
  } catch (error) {
    blame('upstream', (error as Error).message);
  }
  for (const address of bindAddresses) {
    if (isIP(address) === 0) blame('bindAddresses', `not an IP address: ${JSON.stringify(address)}`);
  }
  if (new Set(bindAddresses.map(isIP)).size < bindAddresses.length) {
    blame('bindAddresses', 'at most one IPv4 and one IPv6 address can be given');
  }
  if (upstream !== undefined && bindAddresses.length > 0) {
    blame('bindAddresses', 'cannot be combined with an upstream proxy, which dials from its own address');
  }
  if (prefer !== undefined && prefer !== 'ipv4' && prefer !== 'ipv6') blame('prefer', 'expected ipv4 or ipv6');
  for (const server of nameservers) {
    if (!isNameserver(server)) {
      blame(
        'nameservers',
        `not a nameserver: ${JSON.stringify(server)}; expected an IP address such as 192.0.2.53, ` +
          '192.0.2.53:5353 or [2001:db8::53]:53',
      );
    }
  }
  return mistakes;
}

/** Reaches a destination at an address through a proxy; rejects with a TunnelError whose message is for the log. */
export type ConnectUpstream = (address: string, port: number, signal: AbortSignal) => Promise<Socket>;

export function createUpstream(url: string): ConnectUpstream {
  const proxy = parseProxyUrl(url);
  prepareFor(proxy);
  return async (address, port, signal) => {
    try {
      return await connectThrough(proxy, { host: address, port }, { signal });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof ProxyError)) throw error;
      throw new TunnelError(CODES[error.code], `upstream ${formatProxy(proxy)}: ${error.message}`, { cause: error });
    }
  };
}

/** A proxy that cannot be used is no fault of the destination, and of the operator's alone. */
const CODES: Readonly<Record<ProxyErrorCode, FailureCode>> = {
  PROXY_UNREACHABLE: 'NETWORK_UNREACHABLE',
  PROXY_TIMEOUT: 'DIAL_TIMEOUT',
  PROXY_BROKEN: 'INTERNAL',
  PROXY_FAILED: 'HOST_UNREACHABLE',
  LOGIN_WANTED: 'HOST_UNREACHABLE',
  CREDENTIALS_WANTED: 'INTERNAL',
  CREDENTIALS_REFUSED: 'INTERNAL',
  SCHEME_UNKNOWN: 'INTERNAL',
  DENIED: 'DENIED',
  TARGET_REFUSED: 'CONNECTION_REFUSED',
  TARGET_UNREACHABLE: 'HOST_UNREACHABLE',
  TARGET_TIMEOUT: 'DIAL_TIMEOUT',
  CANCELLED: 'CANCELLED',
};

function isNameserver(text: string): boolean {
  const { host, port } = nameserverOf(text);
  return isIP(host) !== 0 && !host.includes('%') && port !== undefined;
}

function nameserverOf(text: string): { readonly host: string; readonly port: number | undefined } {
  const {
    ipv6,
    ipv4 = ipv6 ?? text,
    port,
  } = /^(?:\[(?<ipv6>[^\]]+)\]|(?<ipv4>[^:]+)):(?<port>\d+)$/.exec(text)?.groups ?? {};
  return { host: ipv4, port: port === undefined ? DNS_PORT : parsePort(port) };
}

/**
 * The ports of loopback at which the proxy and the nameservers of these options are: anyone who had one of them in their place
 * would hear from everybody.
 */
export function portsAskedOnLoopback({ upstream, nameservers = [] }: EgressOptions): ReadonlySet<number | undefined> {
  const proxies = upstream === undefined ? [] : [parseProxyUrl(upstream)];
  const isHere = (host: string): boolean => host === 'localhost' || classifyAddress(host) === 'loopback';
  const asked = [...proxies, ...nameservers.map(nameserverOf)].filter(({ host }) => isHere(host));
  return new Set(asked.map(({ port }) => port));
}
