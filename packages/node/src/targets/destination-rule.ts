import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { parseHost, parseName } from 'wsproxy-engine';
import { hasPort, type PortRange, parsePortRanges } from './port-ranges.js';

/** What a destination is spoken to by. */
export type Protocol = 'tcp' | 'udp';

/** Some destinations, as a user names them: `host`, `*.host`, an address, a range of addresses, ports, or both. */
export interface DestinationRule {
  /** As it was written, for messages. */
  readonly text: string;
  /** Whether a canonical name or IP literal is one of them. */
  readonly hasHost: (host: string) => boolean;
  /** Set when it was written as a name, or as `*.` and one: that name, or what all of them are below. */
  readonly domain?: string;
  /** Set when it was written as an address or a range. */
  readonly range?: AddressRange;
  /** Undefined: all of them. */
  readonly ports?: readonly PortRange[];
  /** Undefined: both. */
  readonly protocol?: Protocol;
}

export interface AddressRange {
  readonly address: string;
  /** Leading bits that count. */
  readonly prefix: number;
}

/** `host`, then `:port`, `:first-last` or a list; either may be missing. IPv6 needs brackets when ports follow. */
const FORM = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<ports>[\d,-]+))?$/;
const PORTS = /^\d+(?:[,-]\d+)*$/;
/** Behind all the rest, as in services(5). */
const OF_PROTOCOL = /^(?<rest>.+)\/(?<protocol>tcp|udp)$/;

/**
 * Reads `example.org`, `*.example.org` (anything that is below it, not itself), `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`,
 * `*`; each may be followed by `:443`, `:1-1023` or `:80,443`, with IPv6 in brackets then; `:443`, `443` and `1-1023`
 * are ports of every host. `/udp` or `/tcp` behind any of them means that protocol alone.
 * @throws TypeError that says what is expected
 */
export function parseDestinationRule(text: string): DestinationRule {
  const bare = text.trim();
  const { rest = bare, protocol } = OF_PROTOCOL.exec(bare)?.groups ?? {};
  const rule = readRule(rest);
  if (rule !== undefined) return { text: bare, ...rule, ...(protocol && { protocol: protocol as Protocol }) };
  throw new TypeError(
    `not a destination rule: ${JSON.stringify(text.slice(0, 300))}; expected a host, *.host, an address, a range such as ` +
      '10.0.0.0/8, or ports such as :443 or :1-1023; host and ports also together, and /tcp or /udp behind them',
  );
}

/** Whether the destination with this canonical host (a name or an IP literal) and port is one of those of `rule`. */
export function matchesDestination(
  rule: DestinationRule,
  host: string,
  port: number,
  protocol: Protocol = 'tcp',
): boolean {
  if (rule.protocol !== undefined && rule.protocol !== protocol) return false;
  return (rule.ports === undefined || hasPort(rule.ports, port)) && rule.hasHost(host);
}

function readRule(text: string): Omit<DestinationRule, 'text' | 'protocol'> | undefined {
  if (PORTS.test(text)) return readRule(`:${text}`);
  const groups = FORM.exec(text)?.groups;
  // Only IPv6 has more than one colon.
  const { host = '', ports: portsText } = groups ?? { host: text };
  if (host === '' && portsText === undefined) return undefined;
  const hosts = host === '' || host === '*' ? { hasHost: () => true } : readHost(host);
  if (portsText === undefined) return hosts;
  const ports = parsePortRanges(portsText);
  return hosts && ports && { ...hosts, ports };
}

type Hosts = Pick<DestinationRule, 'hasHost' | 'domain' | 'range'>;

function readHost(text: string): Hosts | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (bare !== text && !isIPv6(bare.replace(/\/.*$/, ''))) return undefined;
  const [address = '', prefix, ...more] = bare.split('/');
  if (isIPv4(address) || isIPv6(address)) return more.length === 0 ? readRange(address, prefix) : undefined;
  if (text.startsWith('*.')) {
    const parent = parseName(text.slice(2));
    return parent === undefined ? undefined : { hasHost: (host) => host.endsWith(`.${parent}`), domain: parent };
  }
  const name = parseHost(text);
  return name === undefined ? undefined : { hasHost: (host) => host === name, domain: name };
}

function readRange(address: string, prefixText: string | undefined): Hosts | undefined {
  const bits = isIPv4(address) ? 32 : 128;
  if (address.includes('%') || (prefixText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefixText))) return undefined;
  const prefix = Number(prefixText ?? bits);
  if (prefix > bits) return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, bits === 32 ? 'ipv4' : 'ipv6');
  // It takes ::ffff:10.0.0.1 for 10.0.0.1, as the system does when it connects; but also ::/0 for all of IPv4.
  const hasIPv4 = bits === 32 || prefix >= 96;
  const hasHost = (host: string) =>
    isIPv4(host) ? hasIPv4 && list.check(host) : isIPv6(host) && list.check(host, 'ipv6');
  return { hasHost, range: { address, prefix } };
}
