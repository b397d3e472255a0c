import { isIP } from 'node:net';
import { isLoopback } from 'wsproxy-engine';
import { parseServerUrl, targetOf } from './server-url.js';

/**
 * The proxy that the environment names for a server, as curl reads it: HTTPS_PROXY for wss://, HTTP_PROXY for ws://, then
 * ALL_PROXY, each in small letters first, unless NO_PROXY has the server's host. This machine needs none.
 */
export function proxyFromEnvironment(
  serverUrl: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const read = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';
  const url = parseServerUrl(serverUrl);
  if (isLoopback(targetOf(url).host) || isExcepted(url, read('NO_PROXY'))) return undefined;
  const own = url.protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  return read(own) || read('ALL_PROXY') || undefined;
}

/** `*`, names with what is below them, addresses; each for one port only if it says so. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'wss:' ? '443' : '80');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '*' || (isIP(entry) !== 0 && entry === host)) return true;
    const [, name = '', ofPort = port] =
      /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase().replace(/^\*?\./, '')) ?? [];
    return name !== '' && ofPort === port && (host === name || host.endsWith(`.${name}`));
  });
}
