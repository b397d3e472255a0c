import { InvalidArgumentError } from 'commander';
import { parseListenAddress, parseUnixPath } from 'wsproxy-cli';
import type { RemoteForwardOptions } from '../index.js';
import { DEFAULT_HOST } from './forward.js';
import { pairPorts, portsOf, splitPorts } from './port-range.js';

/** One port, Unix socket or name of a -R. */
export interface RemoteForward {
  /** As -R has it, with one port in place of a range. */
  readonly text: string;
  /** Where the server is to listen. */
  readonly at: RemotePlace;
  /** `host:port`, `host:port/udp` or `unix:/path`; undefined: the place that the arrival asks for by SOCKS or HTTP. */
  readonly target: string | undefined;
  /** Whether the target is told who its peer is. */
  readonly isProxyV2: boolean;
}

export type RemotePlace =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | { readonly name: string; readonly tls: boolean };

/**
 * Reads `[bind:]port:host:hostport`, with `/udp` or `/proxy-v2` behind it, or a path in place of `host:hostport`; `[bind:]port`
 * alone; `unix:/path`, `http:NAME` or `tls:NAME` in place of `[bind:]port`. Ranges of ports are a forward for each.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseRemoteForward(text: string): readonly RemoteForward[] {
  const { body = '', suffix = '' } = SUFFIX.exec(text)?.groups ?? {};
  const { place, target = '' } = FORMS.map((form) => form.exec(body)?.groups).find((found) => found) ?? {};
  if (place === undefined) throw new InvalidArgumentError(EXPECTED);
  checkSuffix(suffix, place, target);
  return pairsOf(place, target).map(([near, far]) => ({
    text: `${near}${far === '' ? '' : `:${far}`}${suffix}`,
    at: placeOf(near),
    target: targetOf(far, suffix),
    isProxyV2: suffix === PROXY_V2,
  }));
}

/** As the library takes it; `flags` are for all that can have them. */
export function optionsOf(
  { at, target, isProxyV2 }: RemoteForward,
  { proxyProtocol, reverseAllow: allow }: RemoteForwardFlags,
): RemoteForwardOptions {
  if (target === undefined) return { ...at, proxy: true, allow };
  const canTell = !target.endsWith(UDP) && !('name' in at && !at.tls);
  return { ...at, target, proxyProtocol: isProxyV2 ? 'v2' : canTell ? proxyProtocol : undefined };
}

/** Flags that hold for every -R. */
export interface RemoteForwardFlags {
  readonly proxyProtocol?: 'v2';
  readonly reverseAllow?: readonly string[];
}

const EXPECTED =
  'Expected [bind:]port:host:hostport with IPv6 in brackets, such as 8080:localhost:80 or 0.0.0.0:2222:localhost:22, [bind:]port alone, or unix:/path, http:NAME or tls:NAME in place of [bind:]port.';

const UDP = '/udp';
const PROXY_V2 = '/proxy-v2';
const SUFFIX = /^(?<body>.*?)(?<suffix>(?:\/udp|\/proxy-v2)*)$/;

const PORTS = String.raw`\d{1,5}(?:-\d{1,5})?`;
const TARGET = String.raw`(?:\[[^\]]+\]|[^:[\]/]+):${PORTS}|(?:unix:)?/.+`;
/** A path may have colons: it goes on for as long as a target is left. */
const FORMS: readonly RegExp[] = [
  new RegExp(`^(?<place>(?:http|tls):[^:]+):(?<target>${TARGET})$`),
  new RegExp(`^(?<place>(?:(?:\\[[^\\]]+\\]|[^\\s:[\\]/]+):)?${PORTS})(?::(?<target>${TARGET}))?$`),
  new RegExp(`^(?<place>(?:unix:)?/.+?):(?<target>${TARGET})$`),
  /^(?<place>(?:unix:)?\/.+)$/,
];

function checkSuffix(suffix: string, place: string, target: string): void {
  if (suffix === '') return;
  if (suffix !== UDP && suffix !== PROXY_V2) {
    throw new InvalidArgumentError('Expected /udp or /proxy-v2, not both: datagrams carry no PROXY header.');
  }
  if (target === '') throw new InvalidArgumentError(`Expected host:hostport before ${suffix}.`);
  if (suffix === PROXY_V2) {
    if (place.startsWith('http:')) {
      throw new InvalidArgumentError('http:NAME takes no /proxy-v2: requests say X-Forwarded-For.');
    }
    return;
  }
  if (isNamed(place)) throw new InvalidArgumentError('http:NAME and tls:NAME carry no datagrams.');
  if ([place, target].some(isPath)) throw new InvalidArgumentError('A Unix socket carries no datagrams.');
}

/** Of ranges one for each port. */
function pairsOf(place: string, target: string): readonly (readonly [place: string, target: string])[] {
  const [start, ports] = isPath(place) || isNamed(place) ? [place, ''] : splitPorts(place);
  const [host, hostPorts] = isPath(target) ? [target, ''] : splitPorts(target);
  const isRange = ports.includes('-') || hostPorts.includes('-');
  if (isRange && ports !== '' && target === '') return portsOf(ports).map((port) => [`${start}${port}`, '']);
  if (!isRange) return [[place, target]];
  if (ports === '' || hostPorts === '') {
    throw new InvalidArgumentError('A Unix socket or a name stands for one port, not for a range.');
  }
  return pairPorts(ports, hostPorts).map(([port, hostPort]) => [`${start}${port}`, `${host}${hostPort}`]);
}

function placeOf(place: string): RemotePlace {
  if (isPath(place)) return { path: pathOf(place) };
  if (isNamed(place)) {
    const name = place.slice(place.indexOf(':') + 1).toLowerCase();
    if (!NAME.test(name) || ENDS_IN_NUMBER.test(name)) {
      throw new InvalidArgumentError(
        `Expected a host name in ASCII, such as app.example.org or *.example.org, got ${name}.`,
      );
    }
    return { name, tls: place.startsWith('tls:') };
  }
  const at = parseListenAddress(place, DEFAULT_HOST);
  // Two ports, of which the first is no address.
  if (/^\d+$/.test(at.host)) throw new InvalidArgumentError(EXPECTED);
  return at;
}

function targetOf(target: string, suffix: string): string | undefined {
  if (target === '') return undefined;
  return isPath(target) ? `unix:${pathOf(target)}` : `${target}${suffix === UDP ? UDP : ''}`;
}

function pathOf(text: string): string {
  return parseUnixPath(text.replace(/^unix:/, ''));
}

function isPath(text: string): boolean {
  return /^(?:unix:)?\//.test(text);
}

function isNamed(place: string): boolean {
  return /^(?:http|tls):/.test(place);
}

const NAME = /^(?=.{1,253}$)(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
/** It would be an address (the WHATWG URL standard, section 3.5). */
const ENDS_IN_NUMBER = /(?:^|\.)\d+$/;
