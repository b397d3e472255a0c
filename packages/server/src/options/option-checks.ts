import { type EgressOptions, mistakesInEgress } from 'wsproxy-node/dial';
import {
  aFunction,
  aLogger,
  anObject,
  anyValue,
  aString,
  type Checks,
  expects,
  problemOfToken,
  thrownBy,
} from 'wsproxy-node/options';
import { type DestinationRules, mistakesInRules } from 'wsproxy-node/targets';
import { nodeAt, parsePeer } from '../cluster/peers.js';
import { isNodeName } from '../cluster/route.js';
import { createDecoy } from '../gateway/decoy.js';
import { createRemoteAddressOf } from '../gateway/remote-address.js';
import { checkQuotaFile } from '../limits/quota-file.js';
import { parseListenRule } from '../listeners/rules/listen-rule.js';
import { parseStoreAddress } from '../store/store-address.js';
import type { ServerUnit } from './server-unit.js';

const aPem = expects('PEM, as text or bytes', (value) => typeof value === 'string' || value instanceof Uint8Array);

/** How a value of each unit is checked by itself; what options have to do with each other is judged beside it. */
export const OPTION_CHECKS: Checks<ServerUnit> = {
  'allow rule': aString((allow) => inRules({ allow: [allow] })),
  rule: aString((deny) => inRules({ deny: [deny] })),
  'listen rule': aString(thrownBy(parseListenRule)),
  ports: aString((ports) => inRules({ allowPorts: [ports] })),
  proxy: aString((upstream) => inEgress({ upstream })),
  'IP address': aString((address) => inEgress({ bindAddresses: [address] })),
  nameserver: aString((server) => inEgress({ nameservers: [server] })),
  'node name': aString((name) => (isNodeName(name) ? undefined : 'expected 1 to 32 of a-z, 0-9 and -')),
  path: expects('a path such as /tunnel', isPath),
  'ticket path': expects('a path such as /ticket', (value) => value === true || isPath(value)),
  'wisp path': expects('a path that begins and ends with /, such as /wisp/', isWispPath),
  message: expects('1 to 1024 characters', (value) => typeof value === 'string' && /^.{1,1024}$/su.test(value)),
  origin: aString((text) => (isOrigin(text) ? undefined : ORIGIN_EXPECTED)),
  range: aString(thrownBy((range) => createRemoteAddressOf([range]))),
  token: aString((token) => {
    const problem = problemOfToken(token);
    return problem === undefined ? undefined : `the token ${problem}`;
  }),
  peer: aString(thrownBy(parsePeer)),
  users: expects('a list of users', Array.isArray),
  folder: aString(thrownBy(createDecoy)),
  'store address': aString(thrownBy(parseStoreAddress)),
  'advertised address': aString((text) => (nodeAt(text) === undefined ? ADVERTISED_EXPECTED : undefined)),
  'state file': aString(thrownBy(checkQuotaFile)),
  PEM: aPem,
  'PEM key': aPem,
  function: aFunction,
  logger: aLogger,
  observer: anObject,
  // The command line has made them of its text.
  address: anyValue,
  'TCP address': anyValue,
  name: anyValue,
  'server name': anyValue,
  'server address': anyValue,
  workers: anyValue,
};

const ADVERTISED_EXPECTED = 'expected host:port, such as 10.0.0.2:7000';
const ORIGIN_EXPECTED = 'expected an origin without a path, such as https://example.org';

function inRules(rules: DestinationRules): string | undefined {
  return mistakesInRules(rules)[0]?.problem;
}

function inEgress(options: EgressOptions): string | undefined {
  return mistakesInEgress(options)[0]?.problem;
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && /^\/[\x21-\x7e]{0,1023}$/.test(value) && !/[?#]/.test(value);
}

/** More than `/` alone, which would be every path. */
function isWispPath(value: unknown): boolean {
  return isPath(value) && /^.+\/$/.test(String(value));
}

/** As browsers write it (RFC 6454 section 6.2), since it is compared byte for byte. */
function isOrigin(text: string): boolean {
  if (text === 'null' || (URL.canParse(text) && new URL(text).origin === text)) return true;
  return /^[a-z][a-z\d+.-]*-extension:\/\/[^/\s]+$/.test(text);
}
