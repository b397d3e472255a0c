import { createHash } from 'node:crypto';
import { OptionError, problemOfToken } from 'wsproxy-node/options';
import { checkUser } from './check-user.js';
import type { User } from './user.js';

/** Who may come in, by the digest of the token; tokens themselves are nowhere kept. */
export class UserDirectory {
  #byDigest: ReadonlyMap<string, User> = new Map();
  #digests: ReadonlyMap<string, string> = new Map();
  /** The digest that each user, also of before, was known by. */
  readonly #digestOf = new WeakMap<User, string>();

  /** @throws OptionError as `replace` does */
  constructor(entries: readonly UserEntry[]) {
    this.replace(entries);
  }

  /**
   * From now on these are the users, and no others.
   * @throws OptionError that names the entry at fault; the users are then those of before
   */
  replace(entries: readonly UserEntry[]): void {
    const byDigest = new Map<string, User>();
    const digests = new Map<string, string>();
    for (const { tokenSha256, ...user } of entries) {
      checkUser(user, 'users');
      const digest = String(tokenSha256).toLowerCase();
      const fail = (problem: string): never => {
        throw new OptionError('users', `user ${JSON.stringify(user.id)}${problem}`);
      };
      if (!/^[0-9a-f]{64}$/.test(digest)) fail(': tokenSha256 must be 64 hexadecimal digits');
      if (digests.has(user.id)) fail(' is there twice');
      if (byDigest.has(digest)) fail(' has the token of another user');
      byDigest.set(digest, user);
      digests.set(user.id, digest);
    }
    for (const [digest, user] of byDigest) this.#digestOf.set(user, digest);
    this.#byDigest = byDigest;
    this.#digests = digests;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /** The user whose token an Authorization header carries (RFC 6750 section 2.1); undefined for whatever is not right. */
  readonly authenticate = (authorization: string = ''): User | undefined => {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    // The same work for every wrong token. How long a look at the map takes may tell about digests, and nobody can
    // choose a token by its digest.
    const user = this.#byDigest.get(digestOf(token));
    return user?.disabled === true ? undefined : user;
  };

  /** `user`, once authenticated, with the rules of now; undefined when removed, disabled, or given another token. */
  present(user: User): User | undefined {
    const digest = this.#digests.get(user.id);
    if (digest === undefined || digest !== this.#digestOf.get(user)) return undefined;
    const now = this.#byDigest.get(digest);
    return now?.disabled === true ? undefined : now;
  }
}

/** A user and what proves to be one. */
export interface UserEntry extends User {
  /** SHA-256 of the token, 64 hexadecimal digits. */
  readonly tokenSha256: string;
}

/**
 * The one user of a server that knows one token.
 * @throws OptionError when it is too short to be safe, or cannot be sent
 */
export function soleUser(token: string): UserEntry {
  const problem = problemOfToken(token);
  if (problem !== undefined) throw new OptionError('token', `the token ${problem}`);
  return { id: 'default', tokenSha256: digestOf(token) };
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
