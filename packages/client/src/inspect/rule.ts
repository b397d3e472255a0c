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
