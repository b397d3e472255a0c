import { type AddressClass, canonicalAddress, classifyAddress } from './address-class.js';
import { createOwnAddresses } from './own-addresses.js';

/** Says which destinations may be dialled. */
export interface Policy {
  /**
   * The rule that denies this address and port, named for the log (`denied:loopback`); undefined when it may be
   * dialled. Whoever dials must connect to this very address, not to the name that led to it.
   */
  check(address: string, port: number): string | undefined;
}

/** An address this server listens on; `0.0.0.0` and `::` stand for every address of the host. */
export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

export interface PolicyOptions {
  /**
   * Allows loopback, private and link-local destinations and the host's own addresses. Metadata services, multicast,
   * reserved, translated and unspecified addresses stay denied.
   */
  readonly allowPrivate: boolean;
  /** Every address of this host; by default read from its interfaces. */
  readonly ownAddresses?: () => ReadonlySet<string>;
  /** Where this server listens now: never a destination, since a tunnel into itself would loop. Default: nowhere. */
  readonly listening?: () => readonly ListeningAddress[];
}

const LOCAL: ReadonlySet<AddressClass> = new Set<AddressClass>(['loopback', 'private', 'link-local']);

export function createPolicy(options: PolicyOptions): Policy {
  const { allowPrivate, ownAddresses = createOwnAddresses(), listening = () => [] } = options;

  return {
    check(ip, port) {
      const address = canonicalAddress(ip) ?? ip;
      const addressClass = classifyAddress(address);
      if (addressClass === 'metadata') return 'denied:metadata';

      const isOwn = ownAddresses().has(address);
      const isHere = isOwn || addressClass === 'loopback';
      if (listening().some((own) => own.port === port && covers(own.address, address, isHere))) {
        return 'denied:own-listener';
      }
      if (allowPrivate && (isOwn || LOCAL.has(addressClass))) return undefined;
      if (addressClass !== 'public') return `denied:${addressClass}`;
      return isOwn ? 'denied:own-address' : undefined;
    },
  };
}

function covers(listeningAddress: string, address: string, isHere: boolean): boolean {
  if (classifyAddress(listeningAddress) === 'unspecified') return isHere;
  return canonicalAddress(listeningAddress) === address;
}
