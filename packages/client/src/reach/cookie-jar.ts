/**
 * The cookies that reverse proxies set to find the same process again (RFC 6265, as far as these need it). It is asked for one
 * server alone, so they never leave its origin, no matter what Domain says. Times are of the day, ms.
 */
export class CookieJar {
  /** By name and path, the newest last. */
  readonly #cookies: Map<string, Cookie>;

  /** With what `other` has now, if it is given. */
  constructor(other?: CookieJar) {
    this.#cookies = new Map(other === undefined ? [] : other.#cookies);
  }

  /** Takes what the answer to a request for `url` sets, a line of Set-Cookie each. */
  take(lines: readonly string[], url: URL, now: number): void {
    for (const line of lines) {
      const cookie = parseCookie(line, url, now);
      if (cookie !== undefined) this.#keep(cookie, now);
    }
  }

  /** What to send with a request for `url`: `name=value` each. */
  pairs(url: URL, now: number): string[] {
    return [...this.#cookies.values()]
      .filter(({ path, expires }) => expires > now && isWithin(url.pathname, path))
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`);
  }

  #keep(cookie: Cookie, now: number): void {
    const key = `${cookie.name};${cookie.path}`;
    this.#cookies.delete(key);
    if (cookie.expires > now) this.#cookies.set(key, cookie);
    for (const oldest of this.#cookies.keys()) {
      if (this.#cookies.size <= MAX_COOKIES && this.#size <= MAX_SIZE) return;
      this.#cookies.delete(oldest);
    }
  }

  get #size(): number {
    return [...this.#cookies.values()].reduce((sum, { name, value }) => sum + name.length + value.length + 3, 0);
  }
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly expires: number;
}

/** Undefined for what is none, is too long, or must not go over this way. RFC 6265 section 5.2. */
function parseCookie(line: string, url: URL, now: number): Cookie | undefined {
  if (line.length > MAX_LINE || CONTROL.test(line)) return undefined;
  const [[name, value] = ['', ''], ...attributes] = line.split(';').map(splitPair);
  if (name === '' || value === undefined) return undefined;
  const set = new Map(attributes.map(([key, text = '']) => [key.toLowerCase(), text]));
  if (set.has('secure') && url.protocol !== 'wss:') return undefined;
  const given = set.get('path') ?? '';
  const path = given.startsWith('/') ? given : folderOf(url.pathname);
  return { name, value, path, expires: expiryOf(set, now) };
}

/** Without `=` the second part is undefined. */
function splitPair(text: string): [string, string?] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim()] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** Max-Age counts for more than Expires; without either it lives as long as the session. */
function expiryOf(set: ReadonlyMap<string, string>, now: number): number {
  const maxAge = set.get('max-age') ?? '';
  if (/^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const expires = Date.parse(set.get('expires') ?? '');
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
}

/** RFC 6265 section 5.1.4, for both. */
function folderOf(pathname: string): string {
  return pathname.slice(0, pathname.lastIndexOf('/')) || '/';
}

function isWithin(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

const MAX_COOKIES = 32;
/** Characters of a line of Set-Cookie. */
const MAX_LINE = 4_096;
/** Of all that are sent, so that they fit into the head of a request: servers take 8 KiB or 16 KiB. */
const MAX_SIZE = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no cookie may have them
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
