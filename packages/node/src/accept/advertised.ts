import { isIP } from 'node:net';
import { parsePort } from 'wsproxy-engine';

/** Where applications are told to send their datagrams, when that is not where they are received. */
export interface Advertised {
  readonly address: string;
  /** The first and the last of those that are received at; the system chooses unless told. */
  readonly ports?: readonly [first: number, last: number];
}

/**
 * Reads `address` or `address:first-last`, with IPv6 in brackets when ports follow.
 * @throws TypeError that says what is expected
 */
export function parseAdvertised(text: string): Advertised {
  if (isIP(text) !== 0 && !text.includes('%')) return { address: text };
  const { ipv6, ipv4 = ipv6 ?? '', first = '', last = '' } = FORM.exec(text)?.groups ?? {};
  const [from, to] = [parsePort(first), parsePort(last)];
  const isRange = from !== undefined && to !== undefined && from <= to;
  if (isRange && isIP(ipv4) === (ipv6 === undefined ? 4 : 6)) return { address: ipv4, ports: [from, to] };
  throw new TypeError(
    `not an address to tell: ${JSON.stringify(text.slice(0, 300))}; expected an address such as 203.0.113.7, ` +
      '203.0.113.7:5000-5100 or [2001:db8::7]:5000-5100',
  );
}

const FORM = /^(?:\[(?<ipv6>[^\]%]+)\]|(?<ipv4>[^:[\]]+)):(?<first>\d+)-(?<last>\d+)$/;
