import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A login ends by itself, ms. */
const LIFETIME = 12 * 60 * 60 * 1000;

/** Who has logged in, by the cookie of the browser. A restart of the server forgets all of them. */
export class Logins {
  #byDigest = new Map();
  #findUser;
  #isSecure;

  /**
   * @param {(id: string) => { id: string, tokenSha256: string } | undefined} findUser
   * @param {boolean} isSecure whether the page comes over TLS
   */
  constructor(findUser, isSecure) {
    this.#findUser = findUser;
    this.#isSecure = isSecure;
  }

  /** The `Set-Cookie` for a user with the right token; undefined for a wrong one. */
  enter(id, token) {
    const user = this.#findUser(String(id));
    const given = Buffer.from(sha256(String(token)));
    if (user === undefined || !timingSafeEqual(given, Buffer.from(user.tokenSha256))) return undefined;
    this.#forgetOld();
    const secret = randomBytes(32).toString('base64url');
    this.#byDigest.set(sha256(secret), { id: user.id, tokenSha256: user.tokenSha256, until: Date.now() + LIFETIME });
    return this.#cookie(secret, LIFETIME / 1000);
  }

  /** The user of a request, as the configuration has them now; undefined without a login. */
  userOf({ headers }) {
    const login = this.#byDigest.get(sha256(this.#secretOf(headers)));
    if (login === undefined || login.until < Date.now()) return undefined;
    const user = this.#findUser(login.id);
    return user?.tokenSha256 === login.tokenSha256 ? user : undefined;
  }

  /** Forgets the login of a request, and gives the `Set-Cookie` that does the same in the browser. */
  leave({ headers }) {
    this.#byDigest.delete(sha256(this.#secretOf(headers)));
    return this.#cookie('', 0);
  }

  #cookie(value, seconds) {
    const rest = `; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${this.#isSecure ? '; Secure' : ''}`;
    return `${this.#name}=${value}${rest}`;
  }

  /** Of `__Host-` no other host, and no page without TLS, can make one. */
  get #name() {
    return this.#isSecure ? '__Host-console' : 'console';
  }

  #secretOf({ cookie = '' }) {
    const pairs = cookie.split('; ').map((pair) => pair.split('='));
    return pairs.find(([name]) => name === this.#name)?.[1] ?? '';
  }

  #forgetOld() {
    for (const [digest, { until }] of this.#byDigest) if (until < Date.now()) this.#byDigest.delete(digest);
  }
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
