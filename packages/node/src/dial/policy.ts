import { type AddressClass, canonicalAddress, classifyAddress } from '../targets/address-class.js';
import { type DestinationRule, matchesDestination, type Protocol } from '../targets/destination-rule.js';
import { compileRules, type DestinationRules } from '../targets/destination-rules.js';
import type { Asker } from './asker.js';
import { createOwnAddresses } from './names/own-addresses.js';

const LOCAL: ReadonlySet<AddressClass> = new Set<AddressClass>(['loopback', 'private', 'link-local']);

/**
 * docs/policy.md has the order in which rules count.
 * @throws TypeError with everything that is wrong with the rules
 */
export function createPolicy(rules: DestinationRules = {}, host: PolicyHost = {}): Policy {
  const { allow, deny, isClosed, allowPrivate, isPortOpen } = compileRules(rules);
  const { ownAddresses = createOwnAddresses(), listening = () => [] } = host;

  return {
    check(ip, port, name, protocol = 'tcp') {
      const address = canonicalAddress(ip) ?? ip;
      const addressClass = classifyAddress(address);
      if (addressClass === 'invalid') return 'denied:invalid';

      const isOwn = ownAddresses().has(address);
      const isHere = isOwn || addressClass === 'loopback';
      if (listening().some((own) => own.port === port && covers(own.address, address, isHere))) {
        return 'denied:own-listener';
      }
      const matches = (rule: DestinationRule) =>
        matchesDestination(rule, address, port, protocol) ||
        (name !== undefined && matchesDestination(rule, name, port, protocol));
      const denying = deny.find(matches);
      if (denying !== undefined) return `denied:${denying.text}`;
      const allowing = allow.filter(matches);
      if (isClosed(protocol) && allowing.length === 0) return 'denied:*';
      if (!isPortOpen(port, protocol) && allowing.every((rule) => rule.ports === undefined))
        return `denied:port-${port}`;

      const isPublicOwn = isOwn && addressClass === 'public';
      if (allowing.some((rule) => rule.addressClass === addressClass && (rule.isExact || !isPublicOwn)))
        return undefined;
      if (addressClass === 'metadata') return 'denied:metadata';
      if (allowPrivate && (isOwn || LOCAL.has(addressClass))) return undefined;
      if (addressClass !== 'public') return `denied:${addressClass}`;
      return isOwn ? 'denied:own-address' : undefined;
    },
  };
}

/**
 * A policy for every user, made once for the same rules: `common` for who has none of their own. What `common` denies
 * stays denied for everybody; of the rest, what a user's rules say counts in place of it.
 */
export function createPolicies(common: DestinationRules, host: PolicyHost): (own?: DestinationRules) => Policy {
  const shared = { ownAddresses: createOwnAddresses(), ...host };
  const commonPolicy = createPolicy(common, shared);
  const policies = new WeakMap<DestinationRules, Policy>();
  return (own) => {
    if (own === undefined) return commonPolicy;
    let policy = policies.get(own);
    if (policy === undefined) {
      policy = createPolicy({ ...common, ...own, deny: [...(common.deny ?? []), ...(own.deny ?? [])] }, shared);
      policies.set(own, policy);
    }
    return policy;
  };
}

/** Says which destinations may be dialled. */
export interface Policy {
  /**
   * The rule that denies this address and port, named for the log (`denied:loopback`); undefined when it may be
   * dialled. Anyone who dials must connect to this very address, not to the name that led to it.
   *
   * `name` is what the client asked for, in canonical spelling; without it the client gave the address. `protocol`: by which
   * it will be spoken to; default TCP.
   */
  check(address: string, port: number, name?: string, protocol?: Protocol): string | undefined;
}

/** An address this server listens on; `0.0.0.0` and `::` stand for every address of the host. */
export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

/** What a policy knows of the host it is on. */
export interface PolicyHost {
  /** Every address of this host; by default read from its interfaces. */
  readonly ownAddresses?: () => ReadonlySet<string>;
  /** Where this server listens now: never a destination, since a tunnel into itself would loop. Default: nowhere. */
  readonly listening?: () => readonly ListeningAddress[];
}

/**
 * Says whether an address that the rules allow may be dialled; only `true` lets it through. Asked for each address of each
 * channel, and of each destination of a flow. What it throws, or rejects with, refuses the channel as INTERNAL.
 */
export type EmbedderPolicy<U extends Asker = Asker> = (request: EmbedderPolicyRequest<U>) => boolean | Promise<boolean>;

/** An address that is about to be dialled. */
export interface EmbedderPolicyRequest<U extends Asker = Asker> {
  /** The one who asks for it. */
  readonly user: U;
  /** What the client asked for, a name or an address, in canonical spelling. */
  readonly host: string;
  /** What it was resolved to, in canonical spelling: this very address is dialled. */
  readonly address: string;
  readonly port: number;
  /** `tcp` for a channel, `udp` for a flow. */
  readonly protocol: Protocol;
}

function covers(listeningAddress: string, address: string, isHere: boolean): boolean {
  if (classifyAddress(listeningAddress) === 'unspecified') return isHere;
  return canonicalAddress(listeningAddress) === address;
}
