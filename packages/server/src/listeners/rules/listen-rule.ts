import { isIPv4, isIPv6 } from 'node:net';
import type { ListenKind } from 'wsproxy-engine';
import { canonicalAddress, hasPort, type PortRange, parsePortRanges } from 'wsproxy-node/targets';
import { type ListenPlace, namesOf, pathOf } from './listen-place.js';

/** Some places where somebody may listen: addresses and ports, paths, or names. */
export interface ListenRule {
  /** As it was written, for messages. */
  readonly text: string;
  readonly kinds: readonly ListenKind[];
  /** Whether all of what `host` of a place stands for is in the rule. */
  readonly hasHost: (host: string) => boolean;
  /** Undefined: of paths and names, which have none. */
  readonly ports?: readonly PortRange[];
}

/** What is opened where nothing is said: ports of this host for programs of this host. */
export const LOOPBACK_RULES: readonly string[] = ['127.0.0.1:1024-65535', '[::1]:1024-65535'];

/** Below it are the ports of the system (RFC 6335 section 6): each is opened by itself, never with others. */
const FIRST_USER_PORT = 1_024;
/** IPv6 in brackets; `/tcp` or `/udp` is for that protocol alone. */
const OF_PORTS = /^(?<host>\[[^\]]*\]|[^:[\]]*):(?<ports>[\d,-]+)(?:\/(?<protocol>tcp|udp))?$/;
const OF_OTHERS = /^(?<kind>unix|http|tls):(?<rest>.*)$/s;
const EXPECTED =
  'expected an address and ports such as 127.0.0.1:8000-8099, [::1]:8443/tcp or *:8443, a path such as ' +
  'unix:/run/wsproxy/*, or a name such as http:app.example.org or tls:*.example.org';

/**
 * Reads `127.0.0.1:8000-8099`, `[::1]:53,5353/udp`, `0.0.0.0:443` (all of IPv4), `[::]:443` (all of IPv6), `*:8443` (all of both),
 * `unix:/run/wsproxy/*` (`*` is in the name of the file alone), `http:app.example.org`, `tls:*.example.org` (anything that is below
 * it), `http:*`.
 * @throws TypeError that says in one line what is expected
 */
export function parseListenRule(given: string): ListenRule {
  const text = given.trim();
  const fail = (problem: string): never => {
    throw new TypeError(`not a rule for listening: ${JSON.stringify(text.slice(0, 300))}; ${problem}`);
  };
  const { kind, rest = '' } = OF_OTHERS.exec(text)?.groups ?? {};
  const other = kind === 'unix' ? readPath(rest) : kind !== undefined && readNames(rest);
  if (other) return { text, kinds: [kind as ListenKind], hasHost: other };

  const { host = '', ports: portsText = '', protocol } = OF_PORTS.exec(text)?.groups ?? {};
  const [hasHost, ports] = [readAddress(host), parsePortRanges(portsText)];
  if (hasHost === undefined || ports === undefined) return fail(EXPECTED);
  const low = ports.find(([first, last]) => first < FIRST_USER_PORT && first !== last);
  if (low !== undefined)
    fail(`ports below ${FIRST_USER_PORT} are opened one by one, such as :80,443, not as ${low.join('-')}`);
  return { text, kinds: protocol === undefined ? ['tcp', 'udp'] : [protocol as ListenKind], hasHost, ports };
}

/** Whether one of `rules` allows to listen there, on a port that is known. */
export function mayListen(rules: readonly ListenRule[], { kind, host, port }: ListenPlace): boolean {
  return rules.some((rule) => coversHost(rule, kind, host) && (rule.ports === undefined || hasPort(rule.ports, port)));
}

/** The ports that `rules` leave to the choice of the server there, in their order. */
export function portsToChoose(rules: readonly ListenRule[], { kind, host }: ListenPlace): readonly PortRange[] {
  return rules.filter((rule) => coversHost(rule, kind, host)).flatMap(({ ports = [] }) => ports);
}

function coversHost({ kinds, hasHost }: ListenRule, kind: ListenKind, host: string): boolean {
  return kinds.includes(kind) && hasHost(host);
}

type HasHost = ListenRule['hasHost'];

function readAddress(text: string): HasHost | undefined {
  if (text === '*') return () => true;
  const bare = text.startsWith('[') ? text.slice(1, -1) : text;
  const address = canonicalAddress(bare);
  if (address === undefined || isIPv6(bare) !== text.startsWith('[')) return undefined;
  if (address === '0.0.0.0') return isIPv4;
  return address === '::' ? isIPv6 : (host) => host === address;
}

function readPath(text: string): HasHost | undefined {
  const path = pathOf(text);
  if (path === undefined) return undefined;
  const slash = path.lastIndexOf('/') + 1;
  const [folder, file] = [path.slice(0, slash), path.slice(slash)];
  if (folder.includes('*')) return undefined;
  const literals = file.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`));
  const names = new RegExp(`^${literals.join('[^/]*')}$`, 'su');
  return (host) => host.startsWith(folder) && names.test(host.slice(slash));
}

function readNames(text: string): HasHost | undefined {
  const names = namesOf(text.toLowerCase());
  if (names === undefined || names === '*') return names && (() => true);
  return names.startsWith('*.') ? (host) => host.endsWith(names.slice(1)) : (host) => host === names;
}
