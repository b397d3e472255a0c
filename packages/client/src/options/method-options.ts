import { isLoopback } from 'wsproxy-engine';
import { type Endpoint, parseAdvertised } from 'wsproxy-node/accept';
import {
  aFunction,
  aString,
  type Checks,
  checkOptions,
  expects,
  isDigestOfNothing,
  isObject,
  LONGEST_TIME,
  MAX_UNIX_PATH,
  OptionError,
  type OptionTable,
  thrownBy,
} from 'wsproxy-node/options';
import { mistakesInRules } from 'wsproxy-node/targets';
import { parseInspectRule } from '../inspect/rule.js';
import { type ControlOptions, type ListenOptions, type ProxyOptions, parseForwarded } from './client-options.js';
import type { InspectOptions } from './inspect-options.js';
import { OPTION_CHECKS } from './option-checks.js';
import {
  type ListenPlace,
  type LocalTarget,
  parseLocalTarget,
  placeOf,
  problemOfBind,
  problemOfLabel,
  problemOfName,
  type RemoteForwardOptions,
  type RemoteServerOptions,
} from './remote-options.js';

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

/** @throws OptionError when they do not say where, or something unknown */
export function checkControlOptions(options: ControlOptions): void {
  checkMethodOptions(METHOD_OPTIONS.serveControl, options);
  if (options.path === undefined) throw new OptionError('path', 'is missing');
}

/** @throws OptionError when one of them is missing, or something unknown is there */
export function checkInspectOptions(options: InspectOptions): void {
  checkMethodOptions(METHOD_OPTIONS.inspect, options);
  for (const key of ['rules', 'folder'] as const) {
    if (options[key] === undefined) throw new OptionError(key, 'is missing');
  }
  if (options.watcher === undefined) return;
  for (const key of ['archive', 'secrets'] as const) {
    if (options[key] !== undefined) throw new OptionError(key, 'is of no use: a watcher is told all');
  }
}

/** @throws OptionError when they say neither of the two */
export function endpointOf(options: ListenOptions): Endpoint {
  const { path, host = '127.0.0.1', port }: { path?: string; host?: string; port?: number } = options;
  if (path !== undefined) return { path };
  if (port === undefined) throw new OptionError('port', 'is missing; 0 lets the system choose');
  return { host, port };
}

/**
 * The same for datagrams.
 * @throws OptionError when they say neither of the two, or a Unix socket
 */
export function udpEndpointOf(options: ListenOptions): Exclude<Endpoint, { readonly path: string }> {
  const at = endpointOf(options);
  if ('path' in at) throw new OptionError('path', 'a Unix socket carries no datagrams');
  return at;
}

/**
 * Where to listen, and where to go from here.
 * @throws OptionError when they do not say that, or something unknown
 */
export function checkRemoteForward(options: RemoteForwardOptions): RemoteForwardWay {
  checkMethodOptions(METHOD_OPTIONS.forwardRemote, options);
  const { target, proxyProtocol, proxy = false, allow }: AnyDestination = options;
  if (proxy) {
    const beside = Object.entries({ target, proxyProtocol }).find(([, value]) => value !== undefined);
    if (beside !== undefined) throw new OptionError(beside[0], 'cannot stand beside proxy');
    return { place: placeOf(options, false), allow: allow ?? [] };
  }
  if (allow !== undefined) throw new OptionError('allow', 'is for proxy alone');
  if (target === undefined) throw new OptionError('target', 'is missing');
  const { to, isUdp } = parseLocalTarget(target);
  const tellsPeer = proxyProtocol !== undefined;
  if (isUdp && tellsPeer) throw new OptionError('proxyProtocol', 'is not for datagrams');
  return { place: placeOf(options, isUdp), to, isUdp, tellsPeer };
}

/** @throws OptionError when they do not say where to listen, or something unknown */
export function checkRemoteServer(options: RemoteServerOptions): ListenPlace {
  checkMethodOptions(METHOD_OPTIONS.listenRemote, options);
  return placeOf(options, false);
}

interface AnyDestination {
  readonly target?: string | undefined;
  readonly proxyProtocol?: 'v2' | undefined;
  readonly proxy?: boolean | undefined;
  readonly allow?: readonly string[] | undefined;
}

/** What is to listen, and what becomes of what comes: it goes to one target, or asks for its own, of those that rules allow. */
export type RemoteForwardWay = { readonly place: ListenPlace } & (
  | {
      readonly to: LocalTarget;
      readonly isUdp: boolean;
      /** Says from whom a connection is, by the PROXY protocol. */
      readonly tellsPeer: boolean;
    }
  | { readonly allow: readonly string[] }
);

type MethodUnit =
  | 'advertised'
  | 'archive'
  | 'allowed'
  | 'bind'
  | 'forwarded'
  | 'host name'
  | 'inspect rules'
  | 'label'
  | 'list'
  | 'local target'
  | 'signal'
  | 'socket path'
  | 'text'
  | 'time'
  | 'users'
  | 'watcher';

const CHECKS: Checks<MethodUnit> = {
  archive: OPTION_CHECKS.archive,
  advertised: aString(thrownBy(parseAdvertised)),
  allowed: (value) => (Array.isArray(value) ? problemOfAllowed(value) : 'expected a list of rules'),
  bind: aString(problemOfBind),
  forwarded: aString(thrownBy(parseForwarded)),
  'host name': aString(problemOfName),
  'inspect rules': (value) => (Array.isArray(value) ? problemOfInspected(value) : 'expected a list of rules'),
  label: aString(problemOfLabel),
  'local target': aString(thrownBy(parseLocalTarget)),
  list: expects('a list', Array.isArray),
  // Also that of another realm, or of a library.
  signal: expects(
    'an AbortSignal',
    (value) => isObject(value) && aFunction(value['addEventListener']) === undefined && 'aborted' in value,
  ),
  'socket path': aString((path) => {
    // The system would cut off a longer one; a pipe of Windows may have one.
    const isShort = path.startsWith('\\\\') || Buffer.byteLength(path) <= MAX_UNIX_PATH;
    // Of a name that begins with it anybody may open the socket: no mode holds for it (unix(7)).
    const isPath = path !== '' && !path.includes('\0');
    return isPath && isShort ? undefined : `expected the path of a socket, in at most ${MAX_UNIX_PATH} bytes`;
  }),
  text: aString(),
  time: expects(
    `a number of ms, ${LONGEST_TIME} at most`,
    (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_TIME,
  ),
  watcher: expects('a watcher', isObject),
  users: expects(
    'a list of { name, sha256 }',
    (value) =>
      Array.isArray(value) &&
      value.every((user) => isObject(user) && [user['name'], user['sha256']].every((it) => typeof it === 'string')),
  ),
};

function problemOfInspected(rules: readonly unknown[]): string | undefined {
  const problems = rules.map(aString(thrownBy(parseInspectRule)));
  return problems.find((problem) => problem !== undefined);
}

function problemOfAllowed(allow: readonly string[]): string | undefined {
  return mistakesInRules({ allow })[0]?.problem;
}

const PLACE: OptionTable<MethodUnit> = {
  host: { unit: 'text', text: 'address to listen on' },
  port: { unit: 'count', min: 0, max: 65_535, text: 'port to listen on' },
  path: { unit: 'socket path', text: 'Unix socket to listen on' },
};

/** Of anything that a server is to listen on. */
const REMOTE_LISTEN: OptionTable<MethodUnit> = {
  host: { unit: 'bind', text: 'address that the server listens on' },
  port: { unit: 'count', min: 0, max: 65_535, text: 'port that the server listens on' },
  path: { unit: 'socket path', text: 'Unix socket that the server listens on' },
  name: { unit: 'host name', text: 'host name that the server takes connections for' },
  tls: { unit: 'switch', default: false, text: 'whether these are connections of TLS' },
  backlog: { unit: 'count', min: 0, max: 65_535, text: 'connections that may wait' },
  label: { unit: 'label', text: 'what it is called among those of its user' },
};

/** Of `serveStatus`, `serveControl`, `listen`, `forward`, `forwardRemote`, `listenRemote`, `onIncoming`, `inspect`, `connect` and `close`. */
export const METHOD_OPTIONS: Readonly<Record<Method, OptionTable<MethodUnit>>> = {
  serveStatus: PLACE,
  serveControl: { path: { unit: 'socket path', text: 'Unix socket to listen on' } },
  listen: {
    ...PLACE,
    protocols: { unit: 'list', text: 'what it speaks' },
    users: { unit: 'users', text: 'who may use it' },
    udpAdvertise: { unit: 'advertised', text: 'where applications send their datagrams' },
  },
  forward: { ...PLACE, target: { unit: 'forwarded', text: 'where everything goes' } },
  forwardRemote: {
    ...REMOTE_LISTEN,
    target: { unit: 'local target', text: 'where everything goes from here' },
    proxyProtocol: { unit: 'choice', choices: ['v2'], text: 'says from whom a connection is' },
    proxy: { unit: 'switch', default: false, text: 'whether each connection asks for its target' },
    allow: { unit: 'allowed', text: 'what it may ask for though it is not public' },
    keepTrying: { unit: 'switch', default: false, text: 'whether it is tried again when it is refused at first' },
  },
  listenRemote: {
    ...REMOTE_LISTEN,
    allowHalfOpen: { unit: 'switch', default: false, text: 'whether the own half stays open' },
  },
  onIncoming: { allowHalfOpen: { unit: 'switch', default: false, text: 'whether the own half stays open' } },
  inspect: {
    rules: { unit: 'inspect rules', text: 'destinations to look into' },
    folder: { unit: 'text', text: 'where the CA is kept' },
    watcher: { unit: 'watcher', text: 'is told what passes' },
    archive: { unit: 'archive', text: 'a file for what passes' },
    script: { unit: 'text', text: 'a module that may change what passes' },
    secrets: { unit: 'switch', default: false, text: 'whether secrets are shown too' },
  },
  connect: {
    signal: { unit: 'signal', text: 'gives up' },
    timeout: { unit: 'time', text: 'for the way there' },
    allowHalfOpen: { unit: 'switch', default: false, text: 'whether the own half stays open' },
  },
  close: { drain: { unit: 'time', text: 'how long channels may take to finish' } },
};

type Method =
  | 'serveStatus'
  | 'serveControl'
  | 'listen'
  | 'forward'
  | 'forwardRemote'
  | 'listenRemote'
  | 'onIncoming'
  | 'inspect'
  | 'connect'
  | 'close';
