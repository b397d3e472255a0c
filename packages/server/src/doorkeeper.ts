import type { IncomingMessage } from 'node:http';
import { systemClock } from 'wsproxy-engine';
import { authorizationValues } from 'wsproxy-node/transports';
import type { GatewayOptions } from './gateway/gateway-options.js';
import type { CheckedOptions } from './options/check-server-options.js';
import type { ServerOptions } from './options/server-options.js';
import { checkUser } from './users/check-user.js';
import { type Denial, denialOf } from './users/denial.js';
import { soleUser, UserDirectory } from './users/directory.js';

/** What the options say of whom the gateway lets in, and by what it knows them. */
export function doorkeeperOf(
  { authenticate }: ServerOptions,
  directory: UserDirectory | undefined,
): Pick<GatewayOptions, 'authenticate' | 'whyNot'> {
  if (authenticate === undefined) {
    const shown = ({ rawHeaders }: IncomingMessage) => authorizationValues(rawHeaders)[0];
    return {
      authenticate: (request) => directory?.authenticate(shown(request)),
      whyNot: (request) => directory?.whyNot(shown(request)) ?? NOBODY,
    };
  }
  const denied = new WeakMap<IncomingMessage, Denial>();
  return {
    authenticate: async (request) => {
      const user = (await authenticate(request)) ?? undefined;
      if (user === undefined) return undefined;
      checkUser(user, 'authenticate');
      const denial = denialOf(user, systemClock.wallTime());
      if (denial === undefined) return user;
      denied.set(request, denial);
      return undefined;
    },
    whyNot: (request) => denied.get(request) ?? NOBODY,
  };
}

const NOBODY: Denial = { reason: 'not authenticated' };

/** The users, where they are known beforehand. */
export function directoryOf({ token, users }: ServerOptions): UserDirectory | undefined {
  if (token !== undefined) return new UserDirectory([soleUser(token)]);
  return users && new UserDirectory(users);
}

export function gatewayOptionsOf(
  options: CheckedOptions,
): Pick<GatewayOptions, 'tls' | 'decoy' | 'allowOrigins' | 'trustedProxies'> {
  const { tls, decoy, allowOrigins, trustedProxies } = options;
  return { allowOrigins, trustedProxies, ...(tls && { tls }), ...(decoy !== undefined && { decoy }) };
}
