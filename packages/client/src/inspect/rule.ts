import { type DestinationRule, parseDestinationRule } from 'wsproxy-node/targets';

/**
 * Reads a rule of destinations to look into: as of `parseDestinationRule`, but it names hosts, since the CA is made for these alone.
 * @throws TypeError that says what is expected
 */
export function parseInspectRule(text: string): DestinationRule {
  const rule = parseDestinationRule(text);
  if (rule.protocol === 'udp') throw new TypeError(`${rule.text} is of UDP, which is not looked into`);
  if (rule.domain !== undefined || rule.range !== undefined) return rule;
  throw new TypeError(
    `${rule.text} names every host; expected a host, *.host, an address, or a range such as 10.0.0.0/8`,
  );
}

/** Whether it names the hosts of very many owners: the CA could pretend to be each of them. */
export function isWide({ text, domain, range }: DestinationRule): boolean {
  if (range !== undefined) return range.prefix < (range.address.includes(':') ? WIDE_IPV6 : WIDE_IPV4);
  return domain !== undefined && text.startsWith('*.') && !domain.includes('.') && !PRIVATE.has(domain);
}

/** Leading bits: 10.0.0.0/8 and fc00::/7 are ranges of one owner (RFC 1918, RFC 4193). */
const WIDE_IPV4 = 8;
const WIDE_IPV6 = 7;
/** RFC 6761, RFC 6762 with its appendix G, RFC 9476. */
const PRIVATE: ReadonlySet<string> = new Set([
  'alt',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localhost',
  'private',
  'test',
]);
