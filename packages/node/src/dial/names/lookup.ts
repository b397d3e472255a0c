import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { classifyAddress } from '../../targets/address-class.js';
import { askNameservers, type Question } from './ask-nameservers.js';
import { createHostsFile } from './hosts-file.js';
import { goesOn, isFinal } from './lookup-errors.js';
import { createOwnAddresses } from './own-addresses.js';
import { createSearchList } from './search-list.js';
import { createSystemLookup, type Lookup } from './system-lookup.js';
import { createSystemTurn, type SystemTurn } from './system-turn.js';

/**
 * Looks up as the system does, with one difference: nameservers are asked without `getaddrinfo`, which would let two dead
 * names delay all others. First the hosts file; then the nameservers of the system, with its search domains; at last, for
 * what they do not know, the system itself, where it has other sources.
 */
export function createLookup(options: LookupOptions = {}): Lookup {
  const { servers = [], hostsFile = createHostsFile(), ask = askNameservers, system = createSystemLookup() } = options;
  const { ownAddresses = createOwnAddresses(), nameservers = () => new Resolver().getServers() } = options;
  const { namesFor = createSearchList(), systemTurn = createSystemTurn() } = options;
  const inOrder = (addresses: readonly string[]) => {
    const hasIPv6 = [...ownAddresses()].some((address) => isIPv6(address) && classifyAddress(address) === 'public');
    return hasIPv6 ? addresses : [...addresses].sort((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)));
  };

  return async (name, signal, user) => {
    if (servers.length > 0) return inOrder(await ask(servers, { name, signal }));
    const listed = hostsFile(name);
    if (listed.length > 0) return listed;
    const turn = systemTurn(name);
    const known = nameservers();
    if (turn === 'alone' || known.length === 0) return system(name, signal, user);
    try {
      return inOrder(await askInTurn(namesFor(name), (each) => ask(known, { name: each, signal }), name, signal));
    } catch (error) {
      if (signal.aborted || turn === 'never') throw error;
      return system(name, signal, user);
    }
  };
}

/**
 * The addresses of the first of `names` that has some. What is wrong with the name as it stands keeps no search domain from
 * being asked for: a nameserver that fails there, and knows the name below one, is common (Kubernetes). A failure below
 * one ends the search list unless it is SERVFAIL, or one family of addresses has failed and the other has none, as for glibc.
 */
async function askInTurn(
  names: readonly string[],
  ask: (name: string) => Promise<readonly string[]>,
  asked: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const errors: unknown[] = [];
  let isSearching = true;
  for (const name of names) {
    if (name !== asked && !isSearching) continue;
    try {
      return await ask(name);
    } catch (error) {
      if (signal.aborted) throw error;
      errors.push(error);
      if (name !== asked && !goesOn(error)) isSearching = false;
    }
  }
  // A name that was asked for as it stands before all others is what was meant.
  throw names[0] === asked ? errors[0] : (errors.find((error) => !isFinal(error)) ?? errors[0]);
}

export interface LookupOptions {
  /** Asked in place of the system and its hosts file: `address` or `address:port`. Default: none. */
  readonly servers?: readonly string[];
  readonly hostsFile?: (name: string) => readonly string[];
  readonly ask?: (servers: readonly string[], question: Question) => Promise<readonly string[]>;
  readonly system?: Lookup;
  /** Those of the system. */
  readonly nameservers?: () => readonly string[];
  /** What they are asked for a name, in order. */
  readonly namesFor?: (name: string) => readonly string[];
  readonly systemTurn?: (name: string) => SystemTurn;
  readonly ownAddresses?: () => ReadonlySet<string>;
}
