import { mistakesInEgress } from 'wsproxy-node/dial';
import { checkOptions, expectNoMistake, OptionError, withDefaults } from 'wsproxy-node/options';
import type { DestinationRules } from 'wsproxy-node/targets';
import { LOOPBACK_RULES } from '../listeners/rules/listen-rule.js';
import { OPTION_CHECKS } from './option-checks.js';
import { OPTIONS } from './options.js';
import type { ServerOptions } from './server-options.js';

/** @throws OptionError for what is not of the form it has to be, is not known, or does not go with the rest */
export function checkServerOptions(options: ServerOptions): CheckedOptions {
  checkOptions(OPTIONS, OPTION_CHECKS, options);
  const { token, users, authenticate, egress = {} } = options;
  const given = [token, users, authenticate].filter((credential) => credential !== undefined);
  if (given.length !== 1) throw new OptionError('token', 'give one of token, users and authenticate');
  const { tickets, path = OPTIONS.path.default } = options;
  if (tickets === path) throw new OptionError('tickets', 'the same path as --path: give it another one');
  const { wisp } = options;
  if (wisp !== undefined && users === undefined) throw new OptionError('wisp', 'it takes users, who have wisp tokens');
  for (const other of [path, tickets]) {
    if (wisp !== undefined && typeof other === 'string' && other.startsWith(wisp))
      throw new OptionError('wisp', `the path ${other} is below it: give it another one`);
  }
  expectNoMistake(mistakesInEgress(egress), 'egress');
  // An empty list would open nothing.
  const { allowListen = LOOPBACK_RULES } = options;
  return { ...withDefaults(OPTIONS, options), allowListen } as CheckedOptions;
}

type Defaulted =
  | 'path'
  | 'grace'
  | 'allowOrigins'
  | 'trustedProxies'
  | 'accessLog'
  | 'httpTransport'
  | 'udp'
  | 'udpFilter'
  | 'reverse'
  | 'allowListen'
  | keyof DestinationRules;
/** The same, judged, with the defaults. */
export type CheckedOptions = ServerOptions & Required<Pick<ServerOptions, Defaulted>>;

/** The rules among the options. */
export function rulesOf({ allow, deny, allowPrivate, allowPorts }: CheckedOptions): DestinationRules {
  return { allow, deny, allowPrivate, allowPorts };
}
