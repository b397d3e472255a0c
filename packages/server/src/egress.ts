import type { Duplex } from 'node:stream';
import { ACCOUNT_HOST, THROUGHPUT_HOST } from 'wsproxy-engine';
import {
  createDial,
  createLookup,
  createResolver,
  createUpstream,
  type DialTarget,
  type Resolver,
} from 'wsproxy-node/dial';
import { createUdpDial, type RelayFlow } from 'wsproxy-node/dial/udp';
import { AccountService } from './channels/account-service.js';
import { ThroughputService } from './channels/throughput-service.js';
import type { Guard } from './limits/guard.js';
import type { CheckedOptions } from './options/check-server-options.js';
import type { ServerOptions } from './options/server-options.js';
import type { User } from './users/user.js';

/** Looks up the names of destinations. */
export function resolverOf({ egress = {} }: ServerOptions, guard: Guard): Resolver {
  const { limits } = guard;
  return createResolver({
    lookup: createLookup({ servers: egress.nameservers ?? [] }),
    timeout: limits.lookupTimeout,
    concurrency: limits.lookups,
    onWait: (user) => guard.hit('lookups', user),
  });
}

/** By which way channels reach them. */
export function dialOf({ egress = {}, policy, dialer }: ServerOptions, guard: Guard, resolver: Resolver): DialTarget {
  const { upstream, bindAddresses = [], prefer } = egress;
  return createDial({
    resolver,
    dialTimeout: guard.limits.dialTimeout,
    services: new Map<string, (user: User) => Duplex>([
      [THROUGHPUT_HOST, () => new ThroughputService()],
      [ACCOUNT_HOST, (user) => new AccountService(user.id, guard.accounts.quotaOf(user))],
    ]),
    bindAddresses,
    ...(prefer !== undefined && { prefer }),
    ...(upstream !== undefined && { upstream: createUpstream(upstream) }),
    ...(policy !== undefined && { policy }),
    ...(dialer !== undefined && { dialer }),
  });
}

/** Undefined where datagrams would go another way than all else does: past a proxy, or past the dialer of the embedding program. */
export function relayFlowOf(options: CheckedOptions, guard: Guard, resolver: Resolver): RelayFlow | undefined {
  const { egress = {}, policy, dialer, acceptFlow, udp, udpFilter } = options;
  const { upstream, bindAddresses = [], prefer } = egress;
  const goesPast = upstream !== undefined || (dialer !== undefined && acceptFlow === undefined);
  if (!udp || goesPast) return undefined;
  return createUdpDial({
    ...{ resolver, bindAddresses, filter: udpFilter, idleTime: guard.limits.udpIdle },
    ...(prefer !== undefined && { prefer }),
    ...(policy !== undefined && { policy }),
  });
}
