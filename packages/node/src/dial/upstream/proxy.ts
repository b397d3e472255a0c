import { isUtf8 } from 'node:buffer';
import { formatTarget, parseHost, type Target } from 'wsproxy-engine';

const FORM = 'socks5://[user:password@]host[:port], or socks4a://, http:// or https:// in its place';

const SCHEMES: Readonly<Record<string, Pick<UpstreamProxy, 'scheme' | 'port'>>> = {
  socks5: { scheme: 'socks5', port: 1080 },
  socks5h: { scheme: 'socks5', port: 1080 },
  // What the settings of GNOME make of a SOCKS host. Anything that speaks SOCKS today speaks version 5.
  socks: { scheme: 'socks5', port: 1080 },
  socks4: { scheme: 'socks4', port: 1080 },
  socks4a: { scheme: 'socks4', port: 1080 },
  http: { scheme: 'http', port: 80 },
  https: { scheme: 'https', port: 443 },
};

/**
 * Scheme, user and password, host, port, and what follows them, as curl takes a URL apart. To WHATWG's URL a `\` would be a
 * `/`, and the domain in `DOMAIN\user` the host.
 */
const PARTS =
  /^(?:([a-z][a-z\d+.-]*):\/{1,3})?(?:([^/?#]*)@)?(\[[\da-f:.]*\]|[^/?#@:[\]\\]*)(?::(\d*))?((?:[/?#].*)?)$/is;
const BLANK_OR_CONTROL = /[\0-\x20\x7f]/;
const LAST_PORT = 65_535;
/** RFC 1929 section 2: each is told with one byte of length. */
const SOCKS_CREDENTIAL_LIMIT = 255;

/** Without a scheme it is an HTTP proxy, as for curl. Throws TypeError with one line, which never holds the password. */
export function parseProxyUrl(text: string): UpstreamProxy {
  const parts = BLANK_OR_CONTROL.test(text) ? null : PARTS.exec(text);
  const [, schemeText = 'http', userInfo, hostText = '', port = '', more = ''] = parts ?? [];
  // This one knows the spellings of addresses, and letters beyond ASCII.
  const url = `http://${hostText}/`;
  if (parts === null || !URL.canParse(url) || Number(port) > LAST_PORT) {
    throw new TypeError(`not the URL of a proxy; expected ${FORM}, with %XX for special letters`);
  }
  const scheme = schemeText.toLowerCase();
  const known = SCHEMES[scheme];
  if (known === undefined) throw new TypeError(`a proxy's URL cannot begin with ${scheme}://; expected ${FORM}`);
  if (!['', '/'].includes(more)) {
    throw new TypeError(`nothing may follow host and port of a proxy; expected ${FORM}, with %XX for special letters`);
  }
  const host = parseHost(new URL(url).hostname);
  if (host === undefined || (port !== '' && Number(port) === 0)) {
    throw new TypeError(`no such host or port of a proxy; expected ${FORM}`);
  }
  const proxy = { scheme: known.scheme, host, port: port === '' ? known.port : Number(port) };
  return userInfo === undefined ? proxy : { ...proxy, credentials: parseCredentials(userInfo, known.scheme) };
}

/** Somebody else's proxy. Names are always sent to it: `socks5` is what curl calls `socks5h`, and `socks4` its `socks4a`. */
export interface UpstreamProxy extends Target {
  readonly scheme: 'socks5' | 'socks4' | 'http' | 'https';
  readonly credentials?: ProxyCredentials;
}

/** Bytes: not every proxy reads UTF-8, and a URL can hold others. */
export interface ProxyCredentials {
  readonly user: Buffer;
  readonly password: Buffer;
}

/** For messages and logs: without user and password. */
export function formatProxy(proxy: UpstreamProxy): string {
  return `${proxy.scheme}://${formatTarget(proxy)}`;
}

/** The first colon ends the user. One that is written as %3A is sent like any letter, no matter what the proxy makes of it. */
function parseCredentials(userInfo: string, scheme: UpstreamProxy['scheme']): ProxyCredentials {
  const [, userText = '', passwordText = ''] = /^([^:]*):?(.*)$/.exec(userInfo) ?? [];
  const [user, password] = [decode(userText), decode(passwordText)];
  if (!scheme.startsWith('socks')) return { user, password };
  for (const part of [user, password]) {
    if (part.length > SOCKS_CREDENTIAL_LIMIT) {
      throw new TypeError(`a SOCKS proxy takes a user and a password of ${SOCKS_CREDENTIAL_LIMIT} bytes each`);
    }
    if (!isUtf8(part)) throw new TypeError('user and password for a SOCKS proxy must be UTF-8');
  }
  return { user, password };
}

function decode(part: string): Buffer {
  if (/%(?![\da-f]{2})/i.test(part)) {
    throw new TypeError("a proxy's user or password has a % that begins no letter: write it as %25");
  }
  const inOneByteEach = Buffer.from(part).toString('latin1');
  const bytes = inOneByteEach.replace(/%(..)/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (/[\0-\x1f]/.test(bytes)) throw new TypeError("a proxy's user or password has a control character");
  return Buffer.from(bytes, 'latin1');
}
