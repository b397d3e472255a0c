import { OptionError } from 'wsproxy-node/options';
import { checkRules } from 'wsproxy-node/targets';
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
  for (const [name, value] of Object.entries(user.limits ?? {})) {
    const isRight = value === undefined || (Number.isSafeInteger(value) && value >= 1);
    if (!isRight) fail(`limits.${name}: expected a whole number from 1 to ${MOST}, got ${String(value)}`);
  }
}
