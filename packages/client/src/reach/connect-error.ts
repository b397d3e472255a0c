import type { ProxyError } from 'wsproxy-node/dial';
import { isBrokenUpgrade, tlsAlertOf } from 'wsproxy-node/internals';

/** Why the server could not be reached, and what to do about it: the message says both, `what` and `cure` each. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** Stable. */
  readonly code: ConnectErrorCode;
  readonly what: string;
  readonly cure: string | undefined;
  /** Trying again changes nothing: the address, the token or the server has to change first. */
  readonly permanent: boolean;
  /** The server asked not to be tried again before so many ms. */
  readonly retryAfter: number;
  /** HTTP status of the answer, if it was that. */
  readonly status: number | undefined;

  constructor(what: string, permanent: boolean, options: ConnectErrorOptions = {}) {
    const { cure } = options;
    super(cure === undefined ? what : `${what}: ${cure}`, options);
    this.code = options.code ?? (permanent ? 'NOT_A_SERVER' : 'UNREACHABLE');
    this.what = what;
    this.cure = cure;
    this.permanent = permanent;
    this.retryAfter = options.retryAfter ?? 0;
    this.status = options.status;
  }
}

/** What kind of trouble it is. */
export type ConnectErrorCode =
  /** Name, network, TCP, a proxy that is away, or an answer that does not come. */
  | 'UNREACHABLE'
  /** The server, or what stands before it, says that it is not available now, or that a login is needed first. */
  | 'UNAVAILABLE'
  | 'TOKEN_REFUSED'
  /** What answers is no wsproxy-server, or not at this path. */
  | 'NOT_A_SERVER'
  /** Certificate, pin, or a way on which others would read the token; or the server does not trust this end. */
  | 'NOT_TRUSTED'
  /** The proxy on the way does not let this end through. */
  | 'PROXY_REFUSED'
  | 'UNSUPPORTED_VERSION'
  /** `close` was called. */
  | 'CLOSED';

interface ConnectErrorOptions extends ErrorOptions {
  /** Default: NOT_A_SERVER for what is permanent, else UNREACHABLE. */
  readonly code?: ConnectErrorCode;
  readonly cure?: string;
  readonly retryAfter?: number;
  readonly status?: number;
}

/** Of the answer: what tells a login page from a server. */
export interface AnswerHeaders {
  readonly location?: string | undefined;
  readonly 'content-type'?: string | undefined;
  readonly 'retry-after'?: string | undefined;
}

/** A server may ask for patience, but not for ever, ms. */
const MAX_RETRY_AFTER = 300_000;

/** Statuses that only something has to be changed for. */
const STATUSES: Readonly<Record<number, readonly [what: string, cure: string]>> = {
  400: ['the server refused the upgrade (400)', 'its version may differ from this one, or it wants another --host'],
  401: ['the server refused the token (401)', 'check WSPROXY_TOKEN or --token-file, or what --token-command prints'],
  404: ['nothing there (404)', "check the URL's path against the server's --path"],
  426: [
    "the answer is not a WebSocket's (426)",
    'a reverse proxy without Upgrade headers; nginx: proxy_http_version 1.1, proxy_set_header Upgrade and Connection',
  ],
};

/** What an answer other than 101 means. Redirects are never followed; `url` is what was asked for. */
export function describeStatus(status: number, headers: AnswerHeaders, url: URL, cause?: Error): ConnectError {
  const [what, cure] = STATUSES[status] ?? [];
  const answer = { status, cause };
  if (what !== undefined && cure !== undefined) {
    return new ConnectError(what, true, { ...answer, cure, code: status === 401 ? 'TOKEN_REFUSED' : 'NOT_A_SERVER' });
  }
  if (status === 511) {
    const cure = 'open any page in a browser';
    return new ConnectError('this network wants a login first (511)', false, { ...answer, cure, code: 'UNAVAILABLE' });
  }
  if (status >= 300 && status < 400) return describeRedirect(status, headers.location, url, cause);
  if (status >= 500 || status === 429 || status === 408) {
    const retryAfter = parseRetryAfter(headers['retry-after']);
    const text = `the server, or a proxy before it, is not available (${status})${status === 429 ? ': too many requests' : ''}`;
    return new ConnectError(text, false, { ...answer, retryAfter, code: 'UNAVAILABLE' });
  }
  if (/^text\/html\b/i.test(headers['content-type'] ?? '') && status === 200) {
    const cure = 'a login page of this network, or a URL without the path of the tunnel?';
    return new ConnectError('the answer is a web page (200)', true, { ...answer, cure });
  }
  const guess = 'a login page, or a reverse proxy without Upgrade headers?';
  return new ConnectError(`the answer is not a WebSocket's (${status})`, true, { ...answer, cure: guess });
}

function describeRedirect(status: number, location: string | undefined, url: URL, answer?: Error): ConnectError {
  const where = location === undefined ? '' : ` to ${JSON.stringify(location)}`;
  const base = url.href.replace(/^ws/, 'http');
  const isElsewhere =
    location !== undefined && URL.canParse(location, base) && new URL(location, base).hostname !== url.hostname;
  const cause = isElsewhere ? 'a login page of this network, or the wrong URL?' : 'not a wsproxy-server: check the URL';
  return new ConnectError(`redirected${where} (${status}), ${cause}`, true, { status, cause: answer });
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function parseRetryAfter(text: string | undefined): number {
  if (text === undefined) return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER) : 0;
}

type Words = readonly [what: string, cure?: string];
const UNKNOWN_CA: Words = ['its certificate comes from an unknown CA', 'give the CA with --ca'];

const TLS_CAUSES: Readonly<Record<string, Words>> = {
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it on the server'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'check the clock of this machine'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', 'give it with --ca'],
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'it does not send its whole certificate chain, or comes from an unknown CA',
    'complete the chain on the server, or give the CA with --ca',
  ],
  CERT_REVOKED: ['its certificate was revoked'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'check the host in the URL, or give --sni'],
  EPROTO: [
    'it does not speak TLS there, or no version known here',
    'check the port, or whether the URL should begin with ws://',
  ],
};

const CHECK_CERT: Words = ['it does not accept the client certificate', 'check --cert'];

/** Alerts of RFC 8446 section 6.2, by which the server ends a handshake. */
const TLS_ALERTS: Readonly<Record<number, Words>> = {
  40: ['it and this program have no way of TLS in common, or it wants a client certificate', '--cert and --key'],
  42: CHECK_CERT,
  43: CHECK_CERT,
  44: ['the client certificate was revoked', '--cert'],
  45: ['the client certificate has expired', '--cert'],
  46: CHECK_CERT,
  48: ['it does not know the CA of the client certificate', 'check --cert'],
  49: ['it denies this client access'],
  70: ['its version of TLS is too old or too new for this program'],
  71: ['it and this program have no way of TLS in common that is safe enough'],
  112: ['it does not know the name it was asked for', 'check the host in the URL, or give --sni'],
  116: ['it wants a client certificate', 'give --cert and --key'],
};

/** What a failure below HTTP means. */
export function describeFailure(error: NodeJS.ErrnoException): ConnectError {
  const code = error.code ?? '';
  const permanently = (before: string, [what, cure]: Words): ConnectError =>
    new ConnectError(`${before}${what}`, true, {
      cause: error,
      code: before === '' ? 'NOT_A_SERVER' : 'NOT_TRUSTED',
      ...(cure !== undefined && { cure }),
    });
  const alert = TLS_ALERTS[tlsAlertOf(error) ?? -1];
  if (alert !== undefined) return permanently('the server ended TLS: ', alert);
  const tlsCause: Words | undefined =
    TLS_CAUSES[code.startsWith('ERR_SSL_') ? 'EPROTO' : code] ??
    (code.includes('CERT') ? [`its certificate is not accepted (${code})`] : undefined);
  if (tlsCause !== undefined) return permanently('the server is not trusted: ', tlsCause);
  if (code.startsWith('HPE_')) {
    return permanently('', ['the answer is not HTTP', 'check the port, or whether the URL should begin with wss://']);
  }
  if (isBrokenUpgrade(error)) {
    return permanently('', [`not a wsproxy-server: ${error.message}`]);
  }
  return new ConnectError(error.message || code || 'connection failed', false, { cause: error });
}

/** What a failure means once the request for the upgrade has left; `certified`: with a client certificate, judged last. */
export function describeUnanswered(error: NodeJS.ErrnoException, certified: boolean): ConnectError {
  if (error.code !== 'ECONNRESET') return describeFailure(error);
  const cure = 'the server may not accept the certificate of --cert (revoked, expired, or of another authority)';
  const options = { cause: error, ...(certified && { cure }) };
  return new ConnectError('the connection ended before the answer came', false, options);
}

/** What a failure on the way through a proxy means. */
export function describeProxyFailure(error: ProxyError): ConnectError {
  const cure = PROXY_CURES[error.code];
  const isUpToUser = UP_TO_USER.includes(error.code);
  const more = error.code === 'PROXY_UNREACHABLE' ? '; --proxy none goes without it' : '';
  return new ConnectError(`${error.message}${more}`, isUpToUser, {
    cause: error,
    code: isUpToUser ? 'PROXY_REFUSED' : 'UNREACHABLE',
    ...(cure !== undefined && { cure }),
  });
}

const UP_TO_USER: readonly ProxyError['code'][] = [
  'CREDENTIALS_WANTED',
  'CREDENTIALS_REFUSED',
  'SCHEME_UNKNOWN',
  'DENIED',
];
const PROXY_CURES: Readonly<Partial<Record<ProxyError['code'], string>>> = {
  CREDENTIALS_WANTED: 'write them into its URL, http://user:password@host:port',
  SCHEME_UNKNOWN: 'run a local proxy that can, such as px or cntlm, and name that one with --proxy',
};
