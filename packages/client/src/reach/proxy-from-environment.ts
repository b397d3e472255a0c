import { isLoopback } from 'wsproxy-engine';
import { parseProxyUrl } from 'wsproxy-node/dial/upstream';
import { OptionError, thrownBy } from 'wsproxy-node/options';
import { isExcepted } from './no-proxy.js';
import { parseServerUrl, targetOf } from './server-url.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a server, as curl reads it, unless NO_PROXY has the server's host. This machine
 * needs none, which curl would have to be told.
 * @throws OptionError that names the variable, when it holds no URL of a proxy
 */
export function proxyFromEnvironment(serverUrl: string, env: Environment): string | undefined {
  const url = parseServerUrl(serverUrl);
  const { host } = targetOf(url);
  // What is empty is not there.
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const exceptions = ['no_proxy', 'NO_PROXY'].find(isSet);
  if (isLoopback(host) || (exceptions !== undefined && isExcepted(host, env[exceptions] ?? ''))) return undefined;
  const variable = VARIABLES[url.protocol === 'wss:' ? 'wss:' : 'ws:'].find(isSet);
  if (variable === undefined) return undefined;
  const proxy = inFull(env[variable] ?? '');
  const problem = thrownBy(parseProxyUrl)(proxy);
  if (problem !== undefined) throw new OptionError(variable, problem);
  return proxy;
}

/**
 * The first of them that is set counts. HTTP_PROXY in capitals is none: where a program serves web requests, a header
 * `Proxy` of a stranger becomes that.
 */
const VARIABLES = {
  'wss:': ['wss_proxy', 'WSS_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
  'ws:': ['ws_proxy', 'WS_PROXY', 'http_proxy', 'all_proxy', 'ALL_PROXY'],
} as const;

/** The URL that curl takes a value for. */
function inFull(value: string): string {
  const [, scheme = 'http', hostAndPort = '', more = ''] =
    /^(?:([a-z][a-z\d+.-]*):\/{1,3})?([^/?#]*)(.*)$/is.exec(value) ?? [];
  const authority = hostAndPort.replace(/:$/, '');
  // HTTP proxies too are on port 1080, unless they say otherwise.
  const port = scheme.toLowerCase() === 'http' && !/:\d+$/.test(authority) ? ':1080' : '';
  // Nothing that follows host and port counts. With an @ in it, what looks like that is the rest of a password.
  const rest = more.includes('@') ? more : '';
  // A % that begins no two digits stands for itself.
  return `${scheme}://${authority}${port}${rest}`.replace(/%(?![0-9a-f]{2})/gi, '%25');
}
