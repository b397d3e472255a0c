import { formatTarget, parseHost, type Target } from 'wsproxy-engine';

const FORM = 'socks5://[user:password@]host[:port], or socks4a://, http:// or https:// in its place';

const SCHEMES: Readonly<Record<string, Pick<UpstreamProxy, 'scheme' | 'port'>>> = {
  'socks5:': { scheme: 'socks5', port: 1080 },
  'socks5h:': { scheme: 'socks5', port: 1080 },
  // What the settings of GNOME make of a SOCKS host. Whatever speaks SOCKS today speaks version 5.
  'socks:': { scheme: 'socks5', port: 1080 },
  'socks4:': { scheme: 'socks4', port: 1080 },
  'socks4a:': { scheme: 'socks4', port: 1080 },
  'http:': { scheme: 'http', port: 80 },
  'https:': { scheme: 'https', port: 443 },
};

/** RFC 1929 section 2: each is told with one byte of length. */
const SOCKS_CREDENTIAL_LIMIT = 255;

/** Without a scheme it is an HTTP proxy, as for curl. Throws TypeError with one line, which never holds the password. */
export function parseProxyUrl(text: string): UpstreamProxy {
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full))
    throw new TypeError(`not the URL of a proxy; expected ${FORM}, with %XX for special letters`);
  const url = new URL(full);
  const known = SCHEMES[url.protocol];
  if (known === undefined) throw new TypeError(`a proxy's URL cannot begin with ${url.protocol}//; expected ${FORM}`);
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new TypeError(`nothing may follow host and port of a proxy; expected ${FORM}, with %XX for special letters`);
  }
  const host = parseHost(url.hostname);
  if (host === undefined || url.port === '0') throw new TypeError(`no such host or port of a proxy; expected ${FORM}`);
  const proxy = { scheme: known.scheme, host, port: url.port === '' ? known.port : Number(url.port) };
  if (url.username === '' && url.password === '') return proxy;
  return { ...proxy, credentials: parseCredentials(url, known.scheme) };
}

/** Somebody else's proxy. Names are always sent to it: `socks5` is what curl calls `socks5h`, and `socks4` its `socks4a`. */
export interface UpstreamProxy extends Target {
  readonly scheme: 'socks5' | 'socks4' | 'http' | 'https';
  readonly credentials?: ProxyCredentials;
}

export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** For messages and logs: without user and password. */
export function formatProxy(proxy: UpstreamProxy): string {
  return `${proxy.scheme}://${formatTarget(proxy)}`;
}

function parseCredentials(url: URL, scheme: UpstreamProxy['scheme']): ProxyCredentials {
  const [user, password] = [decode(url.username), decode(url.password)];
  // RFC 7617 section 2: the first colon ends the user.
  if (!scheme.startsWith('socks') && user.includes(':')) throw new TypeError("a proxy's user must not contain a colon");
  const lengths = [user, password].map((part) => Buffer.byteLength(part));
  if (scheme === 'socks5' && !lengths.every((length) => length >= 1 && length <= SOCKS_CREDENTIAL_LIMIT)) {
    throw new TypeError('a SOCKS proxy needs user and password together, each of 1 to 255 bytes');
  }
  return { user, password };
}

function decode(part: string): string {
  let text: string | undefined;
  try {
    text = decodeURIComponent(part);
  } catch {
    // Told below, in words of ours.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (text === undefined || /[\0-\x1f\x7f]/.test(text)) {
    throw new TypeError("a proxy's user or password has a % that begins no letter, or a control character");
  }
  return text;
}
