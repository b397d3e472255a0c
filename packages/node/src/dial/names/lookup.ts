import { lookup as getaddrinfo, Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { classifyAddress } from '../../targets/address-class.js';
import { askNameservers, type Question } from './ask-nameservers.js';
import { createHostsFile } from './hosts-file.js';
import { createOwnAddresses } from './own-addresses.js';

/**
 * Looks up as the system does, with one difference: nameservers are asked without `getaddrinfo`, which would let two dead
 * names delay all others. First the hosts file; then the nameservers of the system; at last, for what they do not know
 * and for names without a dot, the system itself, with search domains and whatever else it has.
 */
export function createLookup(options: LookupOptions = {}): Lookup {
  const { servers = [], hostsFile = createHostsFile(), ask = askNameservers, system = systemLookup } = options;
  const { ownAddresses = createOwnAddresses(), nameservers = () => new Resolver().getServers() } = options;
  const inOrder = (addresses: readonly string[]) => {
    const hasIPv6 = [...ownAddresses()].some((address) => isIPv6(address) && classifyAddress(address) === 'public');
    return hasIPv6 ? addresses : [...addresses].sort((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)));
  };

  return async (name, signal) => {
    if (servers.length > 0) return inOrder(await ask(servers, { name, signal }));
    const listed = hostsFile(name);
    if (listed.length > 0) return listed;
    const known = nameservers();
    if (!name.includes('.') || known.length === 0) return system(name);
    try {
      return inOrder(await ask(known, { name, signal }));
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).code !== 'ENOTFOUND') throw error;
      return system(name);
    }
  };
}

/** One question. Rejects with the system's error, or for any reason once `signal` aborts. */
export type Lookup = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface LookupOptions {
  /** Asked in place of the system and its hosts file: `address` or `address:port`. Default: none. */
  readonly servers?: readonly string[];
  readonly hostsFile?: (name: string) => readonly string[];
  readonly ask?: (servers: readonly string[], question: Question) => Promise<readonly string[]>;
  readonly system?: (name: string) => Promise<readonly string[]>;
  /** Those of the system. */
  readonly nameservers?: () => readonly string[];
  readonly ownAddresses?: () => ReadonlySet<string>;
}

/** `getaddrinfo`, as any other program of this machine asks: with its search domains and whatever else the system has. */
export async function systemLookup(name: string): Promise<readonly string[]> {
  const answer = await getaddrinfo(name, { all: true, order: 'verbatim' });
  return answer.map(({ address }) => address);
}
