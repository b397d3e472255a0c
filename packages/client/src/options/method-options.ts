import { isLoopback } from 'wsproxy-engine';
import type { Endpoint } from 'wsproxy-node/accept';
import {
  aFunction,
  aString,
  type Checks,
  checkOptions,
  expects,
  isDigestOfNothing,
  isObject,
  LONGEST_TIME,
  OptionError,
  type OptionTable,
} from 'wsproxy-node/options';
import type { ListenOptions, ProxyOptions } from './client-options.js';
import { problemOfTarget } from './option-checks.js';

/** @throws OptionError for the first that is unknown or cannot be used; `table` is of the method that has them */
export function checkMethodOptions(table: OptionTable<MethodUnit>, options: object): void {
  checkOptions(table, CHECKS, options);
}

/**
 * An address that others reach would let them use the tunnel in the name of its owner.
 * @throws TypeError when there are no users for such an address, or a digest is none
 */
export function checkProxyOptions(options: ProxyOptions): void {
  checkMethodOptions(METHOD_OPTIONS.listen, options);
  const { users } = options;
  for (const { name, sha256 } of users ?? []) {
    if (!/^[0-9a-f]{64}$/i.test(sha256))
      throw new TypeError(`the digest of user ${JSON.stringify(name)} is no SHA-256`);
    if (isDigestOfNothing(sha256)) throw new TypeError(`user ${JSON.stringify(name)} has an empty password`);
  }
  const at = endpointOf(options);
  if ('path' in at || isLoopback(at.host) || (users !== undefined && users.length > 0)) return;
  throw new TypeError(`other machines can reach ${at.host}, and nobody would need a password there`);
}

/** @throws OptionError when they say neither of the two */
export function endpointOf(options: ListenOptions): Endpoint {
  const { path, host = '127.0.0.1', port }: { path?: string; host?: string; port?: number } = options;
  if (path !== undefined) return { path };
  if (port === undefined) throw new OptionError('port', 'is missing; 0 lets the system choose');
  return { host, port };
}

type MethodUnit = 'list' | 'signal' | 'target' | 'text' | 'time' | 'users';

const CHECKS: Checks<MethodUnit> = {
  list: expects('a list', Array.isArray),
  // Also that of another realm, or of a library.
  signal: expects(
    'an AbortSignal',
    (value) => isObject(value) && aFunction(value['addEventListener']) === undefined && 'aborted' in value,
  ),
  target: aString(problemOfTarget),
  text: aString(),
  time: expects(
    `a number of ms, ${LONGEST_TIME} at most`,
    (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_TIME,
  ),
  users: expects(
    'a list of { name, sha256 }',
    (value) =>
      Array.isArray(value) &&
      value.every((user) => isObject(user) && [user['name'], user['sha256']].every((it) => typeof it === 'string')),
  ),
};

const PLACE: OptionTable<MethodUnit> = {
  host: { unit: 'text', text: 'address to listen on' },
  port: { unit: 'count', min: 0, max: 65_535, text: 'port to listen on' },
  path: { unit: 'text', text: 'Unix socket to listen on' },
};

/** Of `serveStatus`, `listen`, `forward`, `connect` and `close`. */
export const METHOD_OPTIONS: Readonly<Record<Method, OptionTable<MethodUnit>>> = {
  serveStatus: PLACE,
  listen: {
    ...PLACE,
    protocols: { unit: 'list', text: 'what it speaks' },
    users: { unit: 'users', text: 'who may use it' },
  },
  forward: { ...PLACE, target: { unit: 'target', text: 'where every connection goes' } },
  connect: {
    signal: { unit: 'signal', text: 'gives up' },
    timeout: { unit: 'time', text: 'for the way there' },
    allowHalfOpen: { unit: 'switch', default: false, text: 'whether the own half stays open' },
  },
  close: { drain: { unit: 'time', text: 'how long channels may take to finish' } },
};

type Method = 'serveStatus' | 'listen' | 'forward' | 'connect' | 'close';
