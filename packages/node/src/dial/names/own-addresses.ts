import { networkInterfaces } from 'node:os';
import { type Clock, systemClock } from 'wsproxy-engine';
import { canonicalAddress } from '../../targets/address-class.js';

/** How long a reading of the interfaces is believed, ms: they come and go, but not between two channels. */
const LIFETIME = 5_000;

/** A function that yields every address of this host's interfaces, in canonical spelling. */
export function createOwnAddresses(
  clock: Clock = systemClock,
  readInterfaces: typeof networkInterfaces = networkInterfaces,
): () => ReadonlySet<string> {
  let addresses: ReadonlySet<string> = new Set();
  let expires = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.now() >= expires) {
      const infos = Object.values(readInterfaces()).flatMap((list) => list ?? []);
      addresses = new Set(infos.map(({ address }) => canonicalAddress(address) ?? address));
      expires = clock.now() + LIFETIME;
    }
    return addresses;
  };
}
