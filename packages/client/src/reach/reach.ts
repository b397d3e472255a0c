import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { parseHost, parsePort } from 'wsproxy-engine';
import { parseProxyUrl, type UpstreamProxy } from 'wsproxy-node/dial/upstream';
import { OptionError, thrownBy } from 'wsproxy-node/options';
import { checkClearText } from './clear-text.js';
import { namesFor, type OptionNames, type Reader } from './option-names.js';

/** How the server is reached, beyond its URL. */
export interface ReachOptions {
  /** Allows `ws://` where it leaves this machine, so that everybody on the way reads the token. Default false. */
  readonly insecure?: boolean;
  /**
   * A proxy on the way: `socks5://[user:password@]host[:port]`, or `http://`, `https://` with CONNECT; or what gives it for
   * the URL of a server. Default: none.
   */
  readonly proxy?: string | ((serverUrl: string) => string | undefined);
  /** More headers of the request, by name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In the Host header in place of the URL's host. */
  readonly host?: string;
  /** Asked for in TLS, and expected in the certificate, in place of the URL's host. */
  readonly sni?: string;
  /** PEM of the authorities to trust, in place of those of Node; also for an `https://` proxy. */
  readonly ca?: string;
  /** PEM of the client's certificate, with its chain, and of its key; both or neither. */
  readonly cert?: string;
  readonly key?: string;
  /** `sha256//BASE64` of the server's public key; one must fit, in addition to the certificate's chain. Default: any. */
  readonly pins?: readonly string[];
  /** `host:port:address`: where a name leads, no matter what the system says; applies to server and proxy. */
  readonly resolve?: readonly string[];
  /** Uses IPv4 or IPv6 only. Default: either. */
  readonly family?: 4 | 6;
}

/** The same, judged and ready to be used. */
export interface Reach {
  readonly insecure: boolean;
  readonly proxy?: UpstreamProxy;
  readonly headers: Readonly<Record<string, string>>;
  readonly sni?: string;
  readonly ca?: string;
  /** For TLS with the server; undefined where there is none. */
  readonly secureContext: SecureContext | undefined;
  /** The client shows a certificate of its own. */
  readonly certified: boolean;
  readonly pins: readonly string[];
  /** The address for `host:port`. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly family?: 4 | 6;
  /** Of what can be set, in messages. */
  readonly names: OptionNames;
}

/** RFC 9110 section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Those of the upgrade, of the connection and of the session: changed, they would break it, or say the token twice. */
const OWN_HEADERS =
  /^(authorization|connection|content-length|expect|host|keep-alive|proxy-.*|sec-websocket-.*|te|trailer|transfer-encoding|upgrade|wsproxy-.*)$/i;

/** Throws OptionError, or TypeError with one line, for what cannot be used. */
export function parseReach(url: URL, options: ReachOptions, reader: Reader = 'program'): Reach {
  const { headers = {}, host, sni, ca, pins = [], resolve = [], family } = options;
  const proxy = typeof options.proxy === 'function' ? options.proxy(url.href) : options.proxy;
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  if (pins.length > 0 && url.protocol !== 'wss:')
    throw new OptionError('pins', 'a pin is of a key of TLS: it needs a wss:// URL');
  const reach = {
    insecure: options.insecure ?? false,
    names: namesFor(reader),
    headers: { ...headers, ...(host !== undefined && { host: checkHost(host) }) },
    secureContext: url.protocol === 'wss:' || hasOwn(options) ? createContext(options) : undefined,
    certified: options.cert !== undefined,
    pins: pins.map(parsePin),
    addresses: new Map(resolve.map(parseResolve)),
    ...(proxy !== undefined && { proxy: parseProxy(proxy) }),
    ...(sni !== undefined && { sni: checkSni(sni) }),
    ...(ca !== undefined && { ca }),
    ...(family !== undefined && { family }),
  };
  checkClearText(url, reach);
  return reach;
}

function parseProxy(text: string): UpstreamProxy {
  const problem = thrownBy(parseProxyUrl)(text);
  if (problem !== undefined) throw new OptionError('proxy', problem);
  return parseProxyUrl(text);
}

/** Of the public key in a certificate, as curl's --pinnedpubkey has it: the SHA-256 of its SubjectPublicKeyInfo. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256//${createHash('sha256').update(key).digest('base64')}`;
}

/** Throws OptionError when a certificate has no key, or a key no certificate. */
export function checkPair({ cert, key }: Pick<ReachOptions, 'cert' | 'key'>): void {
  if ((cert === undefined) === (key === undefined)) return;
  const given = cert === undefined ? 'key' : 'cert';
  throw new OptionError(given, 'a client certificate needs its key, and a key its certificate');
}

export function checkHeader(name: string, value: string): void {
  if (!HEADER_NAME.test(name)) throw new TypeError(`not the name of a header: ${JSON.stringify(name)}`);
  if (OWN_HEADERS.test(name)) {
    const isHost = name.toLowerCase() === 'host';
    throw new TypeError(`the header ${name} cannot be set${isHost ? ': there is an option of its own for it' : ''}`);
  }
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new TypeError(`the header ${name} has a character that no header can have, such as a line break`);
  }
}

export function checkHost(text: string): string {
  const [host = '', port] = /^(.*?)(?::(\d+))?$/.exec(text)?.slice(1) ?? [];
  if (parseHost(host) !== undefined && (port === undefined || parsePort(port) !== undefined)) return text;
  throw new TypeError(`not a Host header: ${JSON.stringify(text)}; expected host[:port]`);
}

export function checkSni(text: string): string {
  const name = parseHost(text);
  if (name !== undefined && isIP(name) === 0) return name;
  throw new TypeError(`not a name to ask for in TLS: ${JSON.stringify(text)}; RFC 6066 allows no address`);
}

export function parsePin(text: string): string {
  const [, digest = ''] = /^sha256\/\/([A-Za-z0-9+/]{43}=)$/.exec(text) ?? [];
  if (digest !== '' && Buffer.from(digest, 'base64').length === 32) return text;
  throw new TypeError(`not a pin: ${JSON.stringify(text)}; expected sha256// and 44 characters of Base64`);
}

export function parseResolve(text: string): [hostAndPort: string, address: string] {
  const [, hostText = '', portText = '', addressText = ''] = /^(\[.*?\]|[^:]*):(\d+):(.*)$/.exec(text) ?? [];
  const [host, port, address] = [parseHost(hostText), parsePort(portText), parseHost(addressText)];
  if (host === undefined || port === undefined || address === undefined || isIP(address) === 0) {
    throw new TypeError(`not a resolution: ${JSON.stringify(text)}; expected host:port:address`);
  }
  return [`${host}:${port}`, address];
}

/** What is given is judged where nothing needs it, too. */
function hasOwn({ ca, cert, key }: ReachOptions): boolean {
  return ca !== undefined || cert !== undefined || key !== undefined;
}

/** Made once, and not for every connection, since it reads all authorities. */
function createContext(options: ReachOptions): SecureContext {
  checkPair(options);
  const { ca, cert, key } = options;
  if (ca !== undefined) checkPem(ca, 'the authorities to trust');
  if (cert !== undefined) checkPem(cert, 'the client certificate');
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    });
  } catch (error) {
    throw new OptionError('cert', `the client certificate and its key cannot be used: ${(error as Error).message}`);
  }
}

/** Node takes text without any certificate for an empty list. */
export function checkPem(pem: string, what?: string): void {
  try {
    new X509Certificate(pem);
  } catch {
    const place = what === undefined ? '' : `${what}: `;
    throw new TypeError(`${place}there is no certificate in PEM ("-----BEGIN CERTIFICATE-----")`);
  }
}
