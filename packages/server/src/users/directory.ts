import { createHash, createHmac } from 'node:crypto';
import { isDigestOfNothing, OptionError, problemOfToken } from 'wsproxy-node/options';
import { checkUser } from './check-user.js';
import { type Denial, denialOf, whose } from './denial.js';
import type { TokenPurpose, User } from './user.js';

/** Who may come in, by the digests of their tokens; tokens themselves are nowhere kept. */
export class UserDirectory {
  readonly #wallTime: () => number;
  /** The user, once for each token. */
  #byDigest: ReadonlyMap<string, User> = new Map();
  #ids: ReadonlySet<string> = new Set();
  /** The digest by its tag; made once somebody asks by that. */
  #digestByTag: ReadonlyMap<string, string> | undefined;
  /** Digests of tokens that another server lets in no more: what is known of them here is older. */
  readonly #revoked = new Set<string>();
  /** The digest that each user, also of before, was known by. */
  readonly #digestOf = new WeakMap<User, string>();

  /** @throws OptionError as `replace` does */
  constructor(entries: readonly UserEntry[], wallTime: () => number = Date.now) {
    this.#wallTime = wallTime;
    this.replace(entries);
  }

  /**
   * From now on these are the users, and no others. Returns the tokens that have lost their users by that.
   * @throws OptionError that names the entry at fault; the users are then those of before
   */
  replace(entries: readonly UserEntry[]): readonly LostToken[] {
    const byDigest = new Map<string, User>();
    const ids = new Set<string>();
    for (const entry of entries) {
      const { tokenSha256, tokens, ...user } = entry;
      checkUser(user, 'users');
      if (ids.has(user.id)) fail(entry, ' is there twice');
      ids.add(user.id);
      const labels = new Set<string>();
      for (const { sha256, ...owner } of tokensOf(entry)) {
        const digest = String(sha256).toLowerCase();
        if (!/^[0-9a-f]{64}$/.test(digest)) fail(entry, `: ${nameOf(entry)} must be 64 hexadecimal digits`);
        if (isDigestOfNothing(digest)) fail(entry, `: ${nameOf(entry)} is that of an empty token`);
        const other = byDigest.get(digest);
        if (other !== undefined)
          fail(entry, other.id === user.id ? ' has one token twice' : ' has the token of another user');
        if (labels.has(owner.tokenLabel ?? '')) fail(entry, ' has two tokens of one label');
        if (owner.tokenLabel !== undefined) labels.add(owner.tokenLabel);
        const known = { ...user, ...owner };
        checkUser(known, 'users');
        byDigest.set(digest, known);
      }
    }
    for (const [digest, user] of byDigest) this.#digestOf.set(user, digest);
    const before = this.#byDigest;
    this.#byDigest = byDigest;
    this.#ids = ids;
    this.#digestByTag = undefined;
    this.#revoked.clear();
    return [...before]
      .filter(([digest, { id, disabled }]) => disabled !== true && !this.#letsIn(digest, id))
      .map(([digest, { id }]) => ({ user: id, token: tagOf(digest) }));
  }

  /** As another server has it, this token lets this user in no more, until `replace` says who there is. Somebody else may have it by now. */
  revoke({ user, token }: LostToken): void {
    const digest = this.#findTag(token);
    if (digest !== undefined && this.#byDigest.get(digest)?.id === user) this.#revoked.add(digest);
  }

  /** Whether this token lets this user in. */
  knows({ user, token }: LostToken): boolean {
    return this.#letsIn(this.#findTag(token) ?? '', user);
  }

  #findTag(tag: string): string | undefined {
    this.#digestByTag ??= new Map([...this.#byDigest.keys()].map((digest) => [tagOf(digest), digest]));
    return this.#digestByTag.get(tag);
  }

  #letsIn(digest: string, id: string): boolean {
    const now = this.#byDigest.get(digest);
    return now?.id === id && now.disabled !== true;
  }

  /** Who there is. */
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  /** The user whose token an Authorization header carries (RFC 6750 section 2.1); undefined for anything that is not right. */
  readonly authenticate = (authorization?: string): User | undefined => this.#letIn(this.#find(authorization));

  /** The user whose wisp token it is. */
  readonly authenticateWisp = (token: string): User | undefined => this.#letIn(this.#findToken(token), 'wisp');

  #letIn(user: User | undefined, purpose?: TokenPurpose): User | undefined {
    return user !== undefined && this.#denialOf(user, purpose) === undefined ? user : undefined;
  }

  /** Why `authenticate` knows nobody by this header: for the log, never for the one who asks. */
  whyNot(authorization?: string): Denial {
    const user = this.#find(authorization);
    return (user && this.#denialOf(user)) ?? { reason: (authorization ?? '') === '' ? 'no token' : 'wrong token' };
  }

  /** The same of `authenticateWisp`. */
  whyNotWisp(token: string): Denial {
    const user = this.#findToken(token);
    return (user && this.#denialOf(user, 'wisp')) ?? { reason: token === '' ? 'no token' : 'wrong token' };
  }

  #denialOf(user: User, purpose?: TokenPurpose): Denial | undefined {
    if (user.tokenFor !== purpose) return { reason: 'token of another kind', ...whose(user) };
    if (this.#revoked.has(this.#digestOf.get(user) ?? ''))
      return { reason: 'revoked by another server', user: user.id };
    return denialOf(user, this.#wallTime());
  }

  #find(authorization: string = ''): User | undefined {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    // Anyone who shows none is nobody, no matter what digests there are.
    return token === undefined ? undefined : this.#findToken(token);
  }

  #findToken(token: string): User | undefined {
    // The same work for every wrong token. How long a look at the map takes may tell about digests, and nobody can
    // choose a token by its digest.
    return this.#byDigest.get(digestOf(token));
  }

  /** What other directories of these users know `user` by, who has shown a token here: that token, since another one of the same user may be there for longer. */
  nameOf(user: User): KnownUser {
    return { id: user.id, token: tagOf(this.#digestOf.get(user) ?? '') };
  }

  /** The user with this id, with the token that lets them in longest; undefined for anybody who may not come in. */
  withId(id: string): User | undefined {
    let best: User | undefined;
    for (const user of this.#byDigest.values()) {
      if (user.id !== id || this.#denialOf(user) !== undefined) continue;
      if (best === undefined || lastsOf(user) > lastsOf(best)) best = user;
    }
    return best;
  }

  /** What nobody but other directories of these users can say of `text`: it takes the digest of the token. */
  seal({ id, token }: KnownUser, text: string): string {
    const digest = this.#findTag(token) ?? '';
    if (this.#byDigest.get(digest)?.id !== id) return '';
    return createHmac('sha256', Buffer.from(digest, 'hex')).update(text).digest('base64url');
  }

  /** Who was authenticated elsewhere, by another directory of these users; undefined for anybody whom this one does not know, or may not let in. */
  named({ id, token }: KnownUser): User | undefined {
    const user = this.#byDigest.get(this.#findTag(token) ?? '');
    return user?.id === id && this.#denialOf(user) === undefined ? user : undefined;
  }

  /** `user`, once authenticated, with the rules of now; undefined when removed, disabled, or without the token that it was known by. */
  present(user: User): User | undefined {
    const digest = this.#digestOf.get(user) ?? '';
    return this.#letsIn(digest, user.id) && !this.#revoked.has(digest) ? this.#byDigest.get(digest) : undefined;
  }
}

/** A user and what proves to be one: `tokenSha256` or `tokens`. */
export interface UserEntry extends Omit<User, 'tokenLabel' | 'tokenExpires' | 'tokenFor'> {
  /** SHA-256 of the one token, 64 hexadecimal digits. */
  readonly tokenSha256?: string;
  /** Several, so that one can take the place of another; each is good by itself. */
  readonly tokens?: readonly UserToken[];
}

/** A token that lets its user in no more. */
export interface LostToken {
  readonly user: string;
  /** What servers call it among themselves. */
  readonly token: string;
}

/** A user who has shown a token. */
export interface KnownUser {
  readonly id: string;
  /** What servers call that token among themselves. */
  readonly token: string;
}

/** One of the tokens of a user. */
export interface UserToken {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Its name in logs. Default: its place among the tokens, `#1`. */
  readonly label?: string;
  /** Default: never. */
  readonly expires?: Date;
  /** Default: the tunnel. */
  readonly for?: TokenPurpose;
}

/**
 * The one user of a server without others: any of the tokens lets in.
 * @throws OptionError when one is too short to be safe, or cannot be sent
 */
export function soleUser(...tokens: readonly string[]): UserEntry {
  const problem = tokens.map(problemOfToken).find((each) => each !== undefined);
  if (problem !== undefined) throw new OptionError('token', `the token ${problem}`);
  const [only = '', ...others] = tokens.map(digestOf);
  return others.length === 0
    ? { id: 'default', tokenSha256: only }
    : { id: 'default', tokens: [only, ...others].map((sha256) => ({ sha256 })) };
}

type KnownToken = Pick<User, 'tokenLabel' | 'tokenExpires' | 'tokenFor'> & Pick<UserToken, 'sha256'>;

function tokensOf(entry: UserEntry): readonly KnownToken[] {
  const { tokenSha256, tokens } = entry;
  if (tokenSha256 !== undefined && tokens !== undefined) fail(entry, ': give one of tokenSha256 and tokens');
  if (tokens === undefined) return [{ sha256: tokenSha256 ?? '' }];
  if (!Array.isArray(tokens) || tokens.length === 0) fail(entry, ': tokens must be a list with at least one token');
  return tokens.map(({ sha256, label, expires, for: purpose }, index) => ({
    sha256,
    tokenLabel: label ?? `#${index + 1}`,
    ...(expires !== undefined && { tokenExpires: expires }),
    ...(purpose !== undefined && { tokenFor: purpose }),
  }));
}

function lastsOf({ tokenExpires }: User): number {
  return tokenExpires?.getTime() ?? Number.POSITIVE_INFINITY;
}

function nameOf({ tokens }: UserEntry): string {
  return tokens === undefined ? 'tokenSha256' : 'sha256 of a token';
}

function fail({ id }: UserEntry, problem: string): never {
  throw new OptionError('users', `user ${JSON.stringify(id)}${problem}`);
}

/** What servers call a token among themselves: a digest of its digest, by which nobody comes in. */
function tagOf(digest: string): string {
  return digestOf(digest).slice(0, 32);
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
