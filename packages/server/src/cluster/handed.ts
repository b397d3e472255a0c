import { isIP } from 'node:net';
import type { Caller } from '../gateway/caller.js';
import type { KnownUser } from '../users/directory.js';
import type { User } from '../users/user.js';

/** The name of the header that only an inner door reads. */
export const HANDED = 'Wsproxy-Handed';
/** Its value when it is no client that comes, but another process with errands. */
export const PROCESS = '2';

/**
 * What one process tells another of a request that it hands on: whose it is, as judged where it came in, and from where. The
 * number says that it is a request of a client; another kind would have another one.
 * @throws TypeError for a user that cannot be written, or is too large
 */
export function formatHanded({ user, whole, from }: Handed): string {
  const value = [
    KIND,
    parameter('user', { id: user.id, token: user.token }),
    ...(whole === undefined ? [] : [parameter('whole', whole)]),
    parameter('from', from),
  ].join('; ');
  if (value.length > MAX_LENGTH) throw new TypeError(`the user takes more than ${MAX_LENGTH} characters`);
  return value;
}

/** Undefined for what `formatHanded` has not written. */
export function parseHanded(value: string): Handed | undefined {
  if (value.length > MAX_LENGTH) return undefined;
  const [kind, ...parameters] = value.split('; ');
  if (kind !== KIND) return undefined;
  const read = (name: string): unknown => {
    const text = parameters.find((each) => each.startsWith(`${name}="`)) ?? '';
    return readJson(/^\w+="([\w-]+)"$/.exec(text)?.[1]);
  };
  const [user, whole, from] = [read('user'), read('whole'), read('from')];
  if (!isObject(user) || !isObject(from) || typeof user['id'] !== 'string') return undefined;
  const { id, token } = user;
  if (whole !== undefined && !isWhole(whole, id)) return undefined;
  return {
    user: { id, token: typeof token === 'string' ? token : '' },
    ...(whole !== undefined && { whole: withDate(whole) }),
    from: callerOf(from),
  };
}

export interface Handed {
  /** By what a directory knows it; without a token where there is none. */
  readonly user: KnownUser;
  /** The user as `authenticate` has made it, where nothing else knows it. */
  readonly whole?: User;
  readonly from: Caller;
}

const KIND = '1';
/** Of the header: a user with many rules takes more than a request of a stranger may. */
const MAX_LENGTH = 32_768;
/** As the gateway reads it. */
const VERSION = /^\d[\w.+-]{0,31}$/;

/** JSON in base64url: a header carries neither line ends nor other alphabets unchanged. */
function parameter(name: string, value: object): string {
  return `${name}="${Buffer.from(JSON.stringify(value)).toString('base64url')}"`;
}

function readJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isWhole(value: unknown, id: string): value is User {
  return isObject(value) && value['id'] === id;
}

/** JSON knows no dates. */
function withDate(user: User): User {
  const { tokenExpires } = user;
  return tokenExpires === undefined ? user : { ...user, tokenExpires: new Date(tokenExpires) };
}

function callerOf({ remoteAddress, version, probe }: Readonly<Record<string, unknown>>): Caller {
  return {
    remoteAddress: typeof remoteAddress === 'string' && isIP(remoteAddress) !== 0 ? remoteAddress : undefined,
    version: typeof version === 'string' && VERSION.test(version) ? version : undefined,
    ...(probe === true && { probe }),
  };
}
