import { parseAuthority } from 'wsproxy-engine';
import { parseAdvertised } from 'wsproxy-node/accept';
import { parseProxyUrl } from 'wsproxy-node/dial/upstream';
import {
  aFunction,
  aLogger,
  anObject,
  anyValue,
  aString,
  type Check,
  type Checks,
  isObject,
  problemOfToken,
  thrownBy,
} from 'wsproxy-node/options';
import { mistakesInRules, parseDestinationRule } from 'wsproxy-node/targets';
import { parseInspectRule } from '../inspect/rule.js';
import { checkHeader, checkHost, checkPem, checkSni, parsePin, parseResolve } from '../reach/reach.js';
import { parseServerUrl } from '../reach/server-url.js';
import type { ClientUnit } from './options.js';

const aUrl = aString(thrownBy(parseServerUrl));
const aTokenText = aString((token) => {
  const problem = problemOfToken(token);
  return problem === undefined ? undefined : `the token ${problem}`;
});
const aToken: Check = (value) => (aFunction(value) === undefined ? undefined : aTokenText(value));
const aProxy = aString(thrownBy(parseProxyUrl));

/** How a value of each unit is checked by itself; what options have to do with each other is judged beside it. */
export const OPTION_CHECKS: Checks<ClientUnit> = {
  URL: aUrl,
  token: aToken,
  fallbacks: problemOfFallbacks,
  proxy: (value) => (aFunction(value) === undefined ? undefined : aProxy(value)),
  headers: problemOfHeaders,
  host: aString(thrownBy(checkHost)),
  name: aString(thrownBy(checkSni)),
  PEM: aString(thrownBy(checkPem)),
  'PEM key': aString(),
  pin: aString(thrownBy(parsePin)),
  resolution: aString(thrownBy(parseResolve)),
  'allow rule': aString((rule) => mistakesInRules({ allow: [rule] })[0]?.problem),
  rule: aString(thrownBy(parseDestinationRule)),
  'inspect rule': aString(thrownBy(parseInspectRule)),
  target: aString(problemOfTarget),
  archive: aString((path) => (/[^/\\]\.har$/.test(path) ? undefined : 'expected a file whose name ends in .har')),
  logger: aLogger,
  signal: anObject,
  // The command line has made them of its text, or reads them by itself.
  address: anyValue,
  'socket path': anyValue,
  'TCP address': anyValue,
  forward: anyValue,
  'remote forward': anyValue,
  advertised: aString(thrownBy(parseAdvertised)),
  file: anyValue,
  command: aString((text) => (text.trim() === '' ? 'expected a command' : undefined)),
};

/** What is wrong with the destination of a forward, `host:port` or `host:port/udp`. */
export function problemOfForwarded(text: string): string | undefined {
  return problemOfTarget(text.replace(/\/udp$/, ''));
}

/** What is wrong with a destination, `host:port`. */
export function problemOfTarget(text: string): string | undefined {
  if (parseAuthority(text) !== undefined) return undefined;
  return `not a destination: ${JSON.stringify(text.slice(0, 300))}; expected host:port, IPv6 in brackets`;
}

function problemOfFallbacks(value: unknown): string | undefined {
  if (!Array.isArray(value) || !value.every(isObject)) return 'expected a list of { url, token }';
  const unknown = value.flatMap((server) => Object.keys(server)).find((key) => key !== 'url' && key !== 'token');
  if (unknown !== undefined) return `${unknown}: there is no such option`;
  const problems = value.flatMap(({ url, token }) => [aUrl(url), token === undefined ? undefined : aToken(token)]);
  return problems.find((problem) => problem !== undefined);
}

function problemOfHeaders(value: unknown): string | undefined {
  if (!isObject(value)) return 'expected an object of headers and their values';
  for (const [name, text] of Object.entries(value)) {
    const problem = aString(thrownBy((it) => checkHeader(name, it)))(text);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
