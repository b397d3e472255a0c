import { InvalidArgumentError } from 'commander';
import { type ListenAddress, parseListenOrUnix, type UnixAddress } from 'wsproxy-cli';

/** One -L: what is accepted at `at` goes to `target`, which is `host:port`. */
export interface Forward {
  readonly at: ListenAddress | UnixAddress;
  readonly target: string;
}

export const DEFAULT_HOST = '127.0.0.1';
/** The target is what follows the last colon but one, which is not in brackets. */
const FORWARD = /^(?<at>.+):(?<target>(?:\[[^\]]+\]|[^:[\]]+):\d{1,5})$/;

/**
 * Reads `[bind:]port:host:hostport`, or `unix:/path:host:hostport`.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseForward(text: string): Forward {
  const { at, target } = FORWARD.exec(text)?.groups ?? {};
  if (at === undefined || target === undefined) {
    throw new InvalidArgumentError(
      'Expected [bind:]port:host:hostport with IPv6 in brackets, such as 8080:example.org:80, or unix:/path:host:hostport.',
    );
  }
  return { at: parseListenOrUnix(at.startsWith('/') ? `unix:${at}` : at, DEFAULT_HOST), target };
}
