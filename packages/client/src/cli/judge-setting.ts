import { readToken } from 'wsproxy-cli';
import type { ClientOptions } from '../index.js';
import type { Forward } from './listen-options.js';
import { readProxyUsers } from './proxy-users.js';
import { type ReachOptions, readReach } from './reach-options.js';

/**
 * Rejects with what is wrong with one setting of the configuration file by itself, so that it can be told with its line;
 * what settings must have in common is judged when all of them are known.
 */
export async function judgeSetting(name: string, value: unknown): Promise<void> {
  const { createClient, parseTarget } = await import('../index.js');
  // Making one does nothing else than to judge its options.
  const judge = (options: Partial<ClientOptions>): unknown =>
    createClient({ url: 'wss://localhost/', token: 'x'.repeat(32), insecure: true, ...options });

  switch (name) {
    case 'url':
      for (const url of value as string[]) judge({ url });
      break;
    case 'token-file':
      for (const file of value as string[]) readToken({ file });
      break;
    case 'socks-auth':
      readProxyUsers(value as string);
      break;
    case 'forward':
      for (const { target } of value as Forward[]) parseTarget(target);
      break;
    case 'stdio':
      parseTarget(value as string);
      break;
    case 'bypass':
    case 'connections':
    case 'heartbeat':
    case 'grace':
      judge({ [name]: value });
      break;
    case 'cert':
    case 'key':
      // Each needs the other.
      reachOf({ [name]: value as string });
      break;
    case 'proxy':
    case 'header':
    case 'host':
    case 'sni':
    case 'ca':
    case 'pin':
    case 'resolve':
      judge(reachOf({ [name]: value }));
  }
}

function reachOf(options: ReachOptions): Partial<ClientOptions> {
  return readReach(options, () => undefined);
}
