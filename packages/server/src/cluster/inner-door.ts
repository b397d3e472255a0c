import type { IncomingMessage } from 'node:http';
import type { Clock } from 'wsproxy-engine';
import type { Authorize } from '../gateway/authorize.js';
import type { JudgedBefore } from '../gateway/gateway-options.js';
import { known } from '../gateway/refusal.js';
import { checkUser } from '../users/check-user.js';
import { denialOf } from '../users/denial.js';
import type { UserDirectory } from '../users/directory.js';
import type { User } from '../users/user.js';
import { HANDED, type Handed, PROCESS, parseHanded } from './handed.js';

/**
 * Reads whose a request is that another process has judged, as this process knows the user now. `directory`: of this process;
 * undefined where `authenticate` makes users, and the other process has sent what it made.
 */
export function judgedBefore(directory: UserDirectory | undefined, clock: Pick<Clock, 'wallTime'>): JudgedBefore {
  const authorize: Authorize = (request) => {
    if (isProcess(request)) return Promise.resolve({ user: NOBODY });
    const handed = handedOf(request);
    const user = handed && userOf(handed, directory, clock);
    return Promise.resolve(user === undefined ? known(401, 'not handed on', handed?.user.id) : { user });
  };
  return {
    authorize,
    callerOf: (request) => ({ ...handedOf(request)?.from, handed: true }),
    maxHeaderSize: MAX_HEADER_SIZE,
  };
}

/** Of whom another process has told, as this process knows the user now; undefined for anyone who may not come in any more. */
export function userOf(
  handed: Handed,
  directory: UserDirectory | undefined,
  clock: Pick<Clock, 'wallTime'>,
): User | undefined {
  return directory === undefined ? wholeUser(handed, clock) : directory.named(handed.user);
}

/** It comes from another process by itself, for no client. */
export function isProcess({ headers }: IncomingMessage): boolean {
  return headers[HANDED.toLowerCase()] === PROCESS;
}

/** As whom it comes in: of a client that says the same at a public door this is never the user. */
export const NOBODY: User = { id: '' };

/** A user with many rules takes more than a request of a stranger may, bytes. */
const MAX_HEADER_SIZE = 65_536;

function handedOf({ headers }: IncomingMessage): Handed | undefined {
  return parseHanded(String(headers[HANDED.toLowerCase()] ?? ''));
}

function wholeUser({ whole }: Handed, clock: Pick<Clock, 'wallTime'>): User | undefined {
  if (whole === undefined || !isUser(whole)) return undefined;
  return denialOf(whole, clock.wallTime()) === undefined ? whole : undefined;
}

function isUser(whole: User): boolean {
  try {
    checkUser(whole, 'authenticate');
    return true;
  } catch {
    return false;
  }
}
