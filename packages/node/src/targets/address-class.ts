import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

/**
 * What kind of destination an address is. Only `public` is meant for everyone; `translated` addresses carry an IPv4
 * address inside and would reach it past every rule for IPv4; `invalid` is not an address at all.
 */
export type AddressClass =
  | 'public'
  | 'metadata'
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'multicast'
  | 'translated'
  | 'reserved'
  | 'invalid';

/**
 * The IANA special-purpose registries (RFC 6890), in order: the first class that holds an address is its class.
 * Cloud metadata services come first: their addresses lie inside private ranges, one even inside a public one.
 */
const RANGES: ReadonlyArray<readonly [AddressClass, readonly string[]]> = [
  [
    'metadata',
    [
      '169.254.169.254/32', // AWS, Azure, Google, OpenStack and most others
      '169.254.170.2/32', // AWS ECS
      '169.254.170.23/32', // AWS EKS
      '100.100.100.200/32', // Alibaba
      '192.0.0.192/32', // Oracle
      '168.63.129.16/32', // Azure, though allocated as a public address
      'fd00:ec2::254/128', // AWS
      'fd00:ec2::23/128', // AWS EKS
      'fd20:ce::254/128', // Google
    ],
  ],
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  [
    'private',
    [
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10', // RFC 6598, carrier-grade NAT
      '198.18.0.0/15', // RFC 2544, benchmarks
      'fc00::/7',
      'fec0::/10', // RFC 3879, deprecated but still routed inside some sites
    ],
  ],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  [
    'translated',
    [
      '::/96', // RFC 4291 section 2.5.5.1, IPv4-compatible
      '64:ff9b::/96', // RFC 6052, NAT64
      '64:ff9b:1::/48', // RFC 8215, NAT64
      '2001::/32', // RFC 4380, Teredo
      '2002::/16', // RFC 3056, 6to4
    ],
  ],
  [
    'reserved',
    [
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.88.99.0/24',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '240.0.0.0/4',
      '2001::/23',
      '2001:db8::/32',
      '3fff::/20',
    ],
  ],
];

const classes = RANGES.map(([addressClass, ranges]) => [addressClass, blockList(ranges)] as const);

/** The only IPv6 space that IANA has given out for global unicast; what lies outside is nobody's destination. */
const globalUnicast = blockList(['2000::/3']);

/** The class of an IP literal, an IPv4-mapped one being judged as the IPv4 address it reaches. Never throws. */
export function classifyAddress(ip: string): AddressClass {
  const canonical = canonicalAddress(ip);
  if (canonical === undefined) return 'invalid';
  // A list would make it anew from a string, for each question.
  const address = new SocketAddress({ address: canonical, family: familyOf(canonical) });
  const found = classes.find(([, ranges]) => ranges.check(address));
  if (found !== undefined) return found[0];
  return address.family === 'ipv4' || globalUnicast.check(address) ? 'public' : 'reserved';
}

/**
 * The one spelling of an IP literal: IPv6 compressed and in lower case, IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) as
 * the IPv4 address that the system would connect to. Undefined for names and for literals with a zone.
 */
export function canonicalAddress(ip: string): string | undefined {
  // It has no other.
  if (isIPv4(ip)) return ip;
  // SocketAddress drops a zone in silence, and with it the choice of an interface.
  if (!isIPv6(ip) || ip.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: ip, family: 'ipv6' });
  const mapped = address.replace(/^::ffff:/, '');
  return isIPv4(mapped) ? mapped : address;
}

function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return isIPv4(ip) ? 'ipv4' : 'ipv6';
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const slash = range.indexOf('/');
    const network = range.slice(0, slash);
    list.addSubnet(network, Number(range.slice(slash + 1)), familyOf(network));
  }
  return list;
}
