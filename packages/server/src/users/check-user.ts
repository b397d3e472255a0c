import { OptionError, thrownBy } from 'wsproxy-node/options';
import { checkRules } from 'wsproxy-node/targets';
import { parseListenRule } from '../listeners/rules/listen-rule.js';
import { isTokenLabel, TOKEN_LABEL_EXPECTED } from './token-label.js';
import type { User } from './user.js';
import { isUserId, USER_ID_EXPECTED } from './user-id.js';

const MOST = Number.MAX_SAFE_INTEGER;

/** @throws OptionError (`option`) that names the user, and says what is wrong with it */
export function checkUser(user: User, option: string): void {
  const fail = (problem: string): never => {
    throw new OptionError(option, `user ${JSON.stringify(user.id)}: ${problem}`);
  };
  if (!isUserId(user.id)) fail(`an id has ${USER_ID_EXPECTED}`);
  const [mistake] = checkRules(user.policy ?? {});
  if (mistake !== undefined) fail(mistake);
  const badRule = problemOfListen(user.listen);
  if (badRule !== undefined) fail(`listen: ${badRule}`);
  for (const [name, value] of Object.entries(user.limits ?? {})) {
    const isRight = value === undefined || (Number.isSafeInteger(value) && value >= 1);
    if (!isRight) fail(`limits.${name}: expected a whole number from 1 to ${MOST}, got ${String(value)}`);
  }
  const { tokenLabel, tokenExpires, tokenFor } = user;
  if (tokenLabel !== undefined && !isTokenLabel(tokenLabel)) fail(`the label of a token has ${TOKEN_LABEL_EXPECTED}`);
  if (tokenFor !== undefined && tokenFor !== 'wisp') fail('expected wisp for what a token is for');
  if (tokenExpires !== undefined && !isDate(tokenExpires)) fail('expected a Date when its token expires');
}

/** What comes from `authenticate` has no type that anybody has checked. */
function problemOfListen(listen: unknown = []): string | undefined {
  if (!Array.isArray(listen)) return 'expected a list';
  return listen.map((rule) => problemOfRule(String(rule))).find((problem) => problem !== undefined);
}

const problemOfRule = thrownBy(parseListenRule);

/** Also one that was made in another realm, such as by a test. */
function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]' && !Number.isNaN(Number(value));
}
