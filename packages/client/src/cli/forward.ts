import { InvalidArgumentError } from 'commander';
import { type ListenAddress, parseListenAddress, parseUnixPath, type UnixAddress } from 'wsproxy-cli';
import { pairPorts, splitPorts } from './port-range.js';

/** One port of a -L: what is accepted at `at` goes to `target`, which is `host:port`, or `host:port/udp`. */
export interface Forward {
  /** As -L has it, with one port in place of a range. */
  readonly text: string;
  readonly at: ListenAddress | UnixAddress;
  readonly target: string;
}

export const DEFAULT_HOST = '127.0.0.1';
/** The target is what follows the last colon but one, which is not in brackets. */
const FORWARD =
  /^(?<at>(?:unix:|\/).+|(?:.*:)?[\d-]+):(?<host>\[[^\]]+\]|[^:[\]]+):(?<hostPorts>\d{1,5}(?:-\d{1,5})?)(?<udp>\/udp)?$/;

/**
 * Reads `[bind:]port:host:hostport`, with `/udp` behind it for datagrams, or `unix:/path:host:hostport`. Ranges of ports are
 * a forward for each.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseForward(text: string): readonly Forward[] {
  const { at, host, hostPorts, udp = '' } = FORWARD.exec(text)?.groups ?? {};
  if (at === undefined || host === undefined || hostPorts === undefined) {
    throw new InvalidArgumentError(
      'Expected [bind:]port:host:hostport with IPv6 in brackets, such as 8080:example.org:80, 8000-8010:example.org:8000-8010 or 5353:192.0.2.1:53/udp, or unix:/path:host:hostport.',
    );
  }
  const [, path] = /^(?:unix:|(?=\/))(.*)$/s.exec(at) ?? [];
  if (path !== undefined) {
    if (udp !== '') throw new InvalidArgumentError('A Unix socket carries no datagrams.');
    if (hostPorts.includes('-')) throw new InvalidArgumentError('A Unix socket leads to one port, not to a range.');
    return [{ text, at: { path: parseUnixPath(path, 'unix:/run/name.sock') }, target: `${host}:${hostPorts}` }];
  }
  const [bind, ports] = splitPorts(at);
  return pairPorts(ports, hostPorts).map(([port, hostPort]) => {
    const target = `${host}:${hostPort}${udp}`;
    return { text: `${bind}${port}:${target}`, at: parseListenAddress(`${bind}${port}`, DEFAULT_HOST), target };
  });
}
