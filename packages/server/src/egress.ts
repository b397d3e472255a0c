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
import { createChannelHandler, createRefusalHandler } from './channels/channel-handler.js';
import type { ChannelService } from './channels/served-channel.js';
import { ThroughputService } from './channels/throughput-service.js';
import { createFlowHandler } from './flows/flow-handler.js';
import type { Guard } from './limits/guard.js';
import type { CheckedOptions } from './options/check-server-options.js';
import type { ServerOptions } from './options/server-options.js';
import type { SessionRegistryOptions } from './sessions/session-registry.js';
import type { User } from './users/user.js';

/** Serves channels and flows, by the ways to destinations that the options say. */
export function egressOf(options: CheckedOptions, common: Omit<ChannelService, 'dial'>): Egress {
  const { guard } = common;
  const resolver = resolverOf(options, guard);
  const service: ChannelService = { dial: dialOf(options, guard, resolver), ...common };
  const relayFlow = relayFlowOf(options, guard, resolver);
  return {
    onChannel: createChannelHandler(service),
    onRefused: createRefusalHandler(service),
    flows: relayFlow && createFlowHandler({ relayFlow, acceptFlow: options.acceptFlow, ...common }),
  };
}

type Egress = Pick<SessionRegistryOptions, 'onChannel' | 'onRefused' | 'flows'>;

/** Looks up the names of destinations. */
function resolverOf({ egress = {} }: ServerOptions, guard: Guard): Resolver {
  const { limits } = guard;
  return createResolver({
    lookup: createLookup({ servers: egress.nameservers ?? [] }),
    timeout: limits.lookupTimeout,
    concurrency: limits.lookups,
    onWait: (user) => guard.hit('lookups', user),
  });
}

/** By which way channels reach them. */
function dialOf({ egress = {}, policy, dialer }: ServerOptions, guard: Guard, resolver: Resolver): DialTarget {
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
function relayFlowOf(options: CheckedOptions, guard: Guard, resolver: Resolver): RelayFlow | undefined {
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
