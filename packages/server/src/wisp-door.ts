import { systemClock, systemMemory } from 'wsproxy-engine';
import type { GatewayOptions } from './gateway/gateway-options.js';
import type { WispWelcome } from './gateway/wisp-door.js';
import type { Guard } from './limits/guard.js';
import type { CheckedOptions } from './options/check-server-options.js';
import type { UserDirectory } from './users/directory.js';

/** What the options say of clients that speak Wisp. What speaks it is loaded only if they say something. */
export function wispDoorOf(options: CheckedOptions, parts: WispParts): Pick<GatewayOptions, 'wisp'> {
  const { wisp: path, wispMotd: motd } = options;
  const { directory, guard, hasFlows } = parts;
  if (path === undefined || directory === undefined) return {};
  const load = async (): Promise<WispWelcome> => {
    const { createWispWelcome } = await import('./wisp/index.js');
    return createWispWelcome({
      ...{ clock: systemClock, memory: systemMemory, hasFlows, motd },
      budgetsOf: (user) => guard.memoryOf(user),
    });
  };
  const loaded = load();
  // Anyone who comes is told.
  loaded.catch(() => {});
  return {
    wisp: {
      path,
      authenticate: directory.authenticateWisp,
      whyNot: (token) => directory.whyNotWisp(token),
      welcome: () => loaded,
    },
  };
}

interface WispParts {
  readonly directory: UserDirectory | undefined;
  readonly guard: Guard;
  readonly hasFlows: boolean;
}
