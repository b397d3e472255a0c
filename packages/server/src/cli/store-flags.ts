import { type Command, InvalidArgumentError } from 'commander';
import { OptionError } from 'wsproxy-node/options';
import { nodeAt } from '../cluster/peers.js';
import type { ShareOptions } from '../index.js';
import { parseStoreAddress, shownAddress } from '../store/store-address.js';
import type { ClusterFlags } from './cluster-flags.js';

/** What the command line says of the store. */
export interface StoreFlags extends Pick<ClusterFlags, 'clusterListen'> {
  readonly cluster?: string;
  readonly clusterAdvertise?: string;
  readonly storeAway?: 'admit' | 'refuse';
  readonly quotaFile?: string;
  readonly usersFromStore?: string;
}

/**
 * What they say of it; undefined without one.
 * @throws OptionError for what cannot work
 */
export function storeOf(program: Command, flags: StoreFlags): NamedStore | undefined {
  const { cluster: store, clusterListen, clusterAdvertise: advertise, storeAway: away, quotaFile } = flags;
  if (store === undefined) {
    const isGiven = (name: string): boolean => ![undefined, 'default'].includes(program.getOptionValueSource(name));
    const given = ['clusterAdvertise', 'usersFromStore', 'storeAway'].find(isGiven);
    if (given !== undefined) throw new OptionError(given, 'it takes --cluster, which says where the store is');
    return undefined;
  }
  if (advertise !== undefined && clusterListen === undefined) {
    throw new OptionError('clusterAdvertise', 'it takes --cluster-listen, which is what it leads to');
  }
  if (quotaFile !== undefined) {
    throw new OptionError('quotaFile', 'with --cluster the store keeps what users carry: give one of the two');
  }
  const address = parseStoreAddress(store);
  const options = { store, ...(advertise !== undefined && { advertise }), ...(away && { away }) };
  return { options, shown: shownAddress(address) };
}

export interface NamedStore {
  readonly options: ShareOptions;
  /** For the log. */
  readonly shown: string;
}

/**
 * Reads what --cluster-advertise says, which stays as it is.
 * @throws InvalidArgumentError that says what is expected
 */
export function checkAdvertised(text: string): string {
  if (nodeAt(text) !== undefined) return text;
  throw new InvalidArgumentError('expected host:port, such as 10.0.0.2:7000');
}
