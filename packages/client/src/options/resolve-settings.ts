import { type Logger, silentLogger } from 'wsproxy-engine';
import { checkOptions, OptionError, withDefaults } from 'wsproxy-node/options';
import { type DestinationRule, parseDestinationRule } from 'wsproxy-node/targets';
import type { ServerAddress } from '../reach/connect-transport.js';
import { hideWispToken } from '../reach/hide-wisp-token.js';
import type { Reader } from '../reach/option-names.js';
import { checkPair, parseReach } from '../reach/reach.js';
import { parseServerUrl } from '../reach/server-url.js';
import type { TransportChoice } from '../reach/transport-choice.js';
import type { ClientOptions } from './client-options.js';
import { OPTION_CHECKS } from './option-checks.js';
import { OPTIONS } from './options.js';

/** @throws OptionError for the first that is unknown or cannot be used */
export function resolveSettings(given: ClientOptions, reader: Reader): Settings {
  // Before their form: a certificate alone may be no certificate at all.
  checkPair(given ?? {});
  checkOptions(OPTIONS, OPTION_CHECKS, given);
  const options = withDefaults(OPTIONS, given) as ClientOptions & Required<Pick<ClientOptions, Defaulted>>;
  const { url, token, fallbacks = [], grace, heartbeat, connections, optimistic, bypass, transport } = options;
  for (const [key, value] of Object.entries({ url, token })) {
    if (value === undefined) throw new OptionError(key, 'is missing');
  }
  return {
    servers: [options, ...fallbacks].map((server) => {
      const address = parseServerUrl(server.url);
      checkTransport(transport, address);
      return { url: address, token: server.token ?? token, reach: parseReach(address, options, reader) };
    }),
    grace,
    heartbeat,
    connections,
    optimistic,
    transport,
    bypass: bypass.map(parseDestinationRule),
    logger: options.logger ?? silentLogger,
  };
}

/** @throws OptionError for a way that does not lead to this URL */
export function checkTransport(transport: TransportChoice, { protocol, href }: URL): void {
  if (transport === 'h2' && protocol !== 'wss:')
    throw new OptionError('transport', `h2 is spoken in TLS alone: it needs a wss:// URL, not ${hideWispToken(href)}`);
}

/** The same, judged, with the defaults. */
export interface Settings {
  readonly servers: readonly ServerAddress[];
  readonly grace: number;
  readonly heartbeat: number;
  readonly connections: number;
  readonly optimistic: boolean;
  readonly transport: TransportChoice;
  readonly bypass: readonly DestinationRule[];
  readonly logger: Logger;
}

type Defaulted = 'grace' | 'heartbeat' | 'connections' | 'optimistic' | 'transport' | 'bypass';
