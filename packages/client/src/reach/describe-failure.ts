import { ConnectError, parseRetryAfter } from 'wsproxy-engine/connector';
import { formatProxy, type ProxyError, type UpstreamProxy } from 'wsproxy-node/dial/upstream';
import { isBrokenUpgrade } from 'wsproxy-node/internals';
import { NoHttp2Error, NotHttpError, type RefusedError } from 'wsproxy-node/transports';
import type { OptionNames } from './option-names.js';
import { explainTls, type TlsFailure } from './tls-failure.js';

export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly cause?: Error;
  /** As `ConnectError.isOwnerAway`. Default false. */
  readonly isOwnerAway?: boolean;
  /** As in `RefusedError`. Default: a WebSocket. */
  readonly asked?: RefusedError['asked'];
}

/** Of the answer: what tells a login page from a server. */
export interface AnswerHeaders {
  readonly location?: string | undefined;
  readonly 'content-type'?: string | undefined;
  readonly 'retry-after'?: string | undefined;
}

/** Statuses that only something has to be changed for. */
const STATUSES: Readonly<Record<number, readonly [what: string, cure: (names: OptionNames) => string]>> = {
  400: [
    'the server refused the upgrade (400)',
    ({ host }) => `its version may differ from this one, or it wants another ${host}`,
  ],
  401: ['the server refused the token (401)', ({ token }) => `check ${token}`],
  404: ['nothing there (404)', () => "check the URL's path against the server's --path"],
  426: [
    "the answer is not a WebSocket's (426)",
    () =>
      'a reverse proxy without Upgrade headers; nginx: proxy_http_version 1.1, proxy_set_header Upgrade and Connection',
  ],
};

/** The same where ordinary requests were to carry a transport. */
const STATUSES_OVER_HTTP: typeof STATUSES = {
  ...STATUSES,
  400: [
    'the server refused the request (400)',
    ({ host }) => `its version may differ from this one, or it wants another ${host}`,
  ],
  426: [
    'the server takes WebSockets alone (426)',
    ({ transport }) => `it may be of an older version, or run with --no-http-transport; ${transport} finds the way`,
  ],
};

/** What an answer other than 101 means. Redirects are never followed; `url` is what was asked for. */
export function describeStatus(
  { status, headers, cause, isOwnerAway = false, asked = 'WebSocket' }: Answer,
  url: URL,
  { names }: Pick<Way, 'names'>,
): ConnectError {
  const [what, cureOf] = (asked === 'HTTP' ? STATUSES_OVER_HTTP : STATUSES)[status] ?? [];
  const answer = { status, cause };
  if (what !== undefined && cureOf !== undefined) {
    return new ConnectError(what, true, {
      ...answer,
      cure: cureOf(names),
      code: status === 401 ? 'TOKEN_REFUSED' : 'NOT_A_SERVER',
    });
  }
  if (status === 511) {
    const cure = 'open any page in a browser';
    return new ConnectError('this network wants a login first (511)', false, { ...answer, cure, code: 'UNAVAILABLE' });
  }
  if (status >= 300 && status < 400) return describeRedirect(status, headers.location, url, cause);
  if (status >= 500 || status === 429 || status === 408) {
    const retryAfter = parseRetryAfter(headers['retry-after'], Date.now());
    const options = { ...answer, retryAfter, isOwnerAway, code: 'UNAVAILABLE' } as const;
    if (isOwnerAway)
      return new ConnectError(
        'the server answers, but its process that has the session does not (503)',
        false,
        options,
      );
    const text = `the server, or a proxy before it, is not available (${status})${status === 429 ? ': too many requests' : ''}`;
    return new ConnectError(text, false, options);
  }
  if (/^text\/html\b/i.test(headers['content-type'] ?? '') && status === 200) {
    const cure = 'a login page of this network, or a URL without the path of the tunnel?';
    return new ConnectError('the answer is a web page (200)', true, { ...answer, cure });
  }
  if (asked === 'HTTP') {
    const cure = 'a proxy that does not pass such requests, or a URL of something else?';
    return new ConnectError(`the answer is not a wsproxy-server's (${status})`, true, { ...answer, cure });
  }
  const guess = 'a login page, or a reverse proxy without Upgrade headers?';
  return new ConnectError(`the answer is not a WebSocket's (${status})`, true, { ...answer, cure: guess });
}

/** Characters that are told. */
const MAX_LOCATION = 300;

function describeRedirect(status: number, location: string | undefined, url: URL, answer?: Error): ConnectError {
  const base = url.href.replace(/^ws/, 'http');
  const isElsewhere =
    location !== undefined && URL.canParse(location, base) && new URL(location, base).hostname !== url.hostname;
  const cause = isElsewhere ? 'a login page of this network, or the wrong URL?' : 'not a wsproxy-server: check the URL';
  const place = JSON.stringify(location?.slice(0, MAX_LOCATION));
  const what = `redirected${location === undefined ? '' : ` to ${place}`} (${status}): ${cause}`;
  return new ConnectError(what, true, { status, cause: answer });
}

/** RFC 9110 section 10.2.3: seconds, or a date. */

/** What a failure below HTTP means. */
export function describeFailure(error: NodeJS.ErrnoException, { names, proxy }: Way): ConnectError {
  if (error instanceof NoHttp2Error) {
    const cure = `${names.transport} finds another way`;
    return new ConnectError(error.message, true, { cause: error, cure });
  }
  const tls = explainTls(error, 'server', names);
  const isOtherProtocol = tls === undefined ? isNotHttp(error) : tls.kind === 'speech';
  if (isOtherProtocol && proxy?.scheme.startsWith('http') === true)
    return describePage(error, proxy, tls !== undefined);
  if (tls !== undefined) return describeTls(error, 'the server', tls);
  if (isOtherProtocol) {
    const cure = 'check the port, or whether the URL should begin with wss://';
    return new ConnectError('the answer is not HTTP', true, { cause: error, cure });
  }
  if (isBrokenUpgrade(error)) {
    return new ConnectError(`not a wsproxy-server: ${error.message}`, true, { cause: error });
  }
  return new ConnectError(error.message || error.code || 'connection failed', false, { cause: error });
}

/** Node's parser says it by a code. */
function isNotHttp(error: NodeJS.ErrnoException): boolean {
  return error instanceof NotHttpError || error.code?.startsWith('HPE_') === true;
}

/** What of a `Reach` a message may name. */
interface Way {
  readonly names: OptionNames;
  readonly proxy?: UpstreamProxy;
}

/** A proxy that opens tunnels by HTTP may answer in the server's place: 200, and a page. */
export function describePage(cause: Error, proxy: UpstreamProxy, isTls: boolean): ConnectError {
  const what = isTls ? 'what answers does not speak TLS' : 'the answer is not HTTP';
  const page = `a page of the proxy ${formatProxy(proxy)} in its place, such as a login: open any page in a browser`;
  const cure = `${page}; or check the port, or whether the URL should begin with ${isTls ? 'ws://' : 'wss://'}`;
  return new ConnectError(what, true, { cause, cure });
}

function describeTls(cause: Error, who: string, { kind, what, permanent, cure }: TlsFailure): ConnectError {
  return new ConnectError(`${TLS_KINDS[kind](who)}: ${what}`, permanent, {
    cause,
    ...(permanent && { code: 'NOT_TRUSTED' }),
    ...(cure !== undefined && { cure }),
  });
}

const TLS_KINDS: Readonly<Record<TlsFailure['kind'], (who: string) => string>> = {
  ended: (who) => `${who} ended TLS`,
  distrust: (who) => `${who} is not trusted`,
  speech: (who) => `${who} is not trusted`,
  failed: (who) => `${who} broke TLS`,
};

/** What a failure means once the request for the upgrade has left; a client certificate is judged only then. */
export function describeUnanswered(
  error: NodeJS.ErrnoException,
  reach: Way & { readonly certified: boolean },
): ConnectError {
  if (error.code !== 'ECONNRESET') return describeFailure(error, reach);
  const { cert } = reach.names;
  const cure = `the server may not accept the certificate of ${cert} (revoked, expired, or of another authority)`;
  const options = { cause: error, ...(reach.certified && { cure }) };
  return new ConnectError('the connection ended before the answer came', false, options);
}

/** What a failure on the way through a proxy means. */
export function describeProxyFailure(error: ProxyError, { names, proxy }: Way): ConnectError {
  const { cause } = error;
  const tls = cause instanceof Error ? explainTls(cause, 'proxy', names) : undefined;
  if (tls !== undefined && proxy !== undefined) return describeTls(error, `the proxy ${formatProxy(proxy)}`, tls);
  const cure = PROXY_CURES[error.code]?.(names);
  const isUpToUser = UP_TO_USER.includes(error.code);
  const more = error.code === 'PROXY_UNREACHABLE' ? `; ${names.noProxy} goes without it` : '';
  const code = isUpToUser ? 'PROXY_REFUSED' : error.code === 'LOGIN_WANTED' ? 'UNAVAILABLE' : 'UNREACHABLE';
  return new ConnectError(`${error.message}${more}`, isUpToUser, {
    cause: error,
    code,
    retryAfter: parseRetryAfter(error.retryAfter, Date.now()),
    ...(cure !== undefined && { cure }),
  });
}

const UP_TO_USER: readonly ProxyError['code'][] = [
  'CREDENTIALS_WANTED',
  'CREDENTIALS_REFUSED',
  'SCHEME_UNKNOWN',
  'DENIED',
];
const PROXY_CURES: Readonly<Partial<Record<ProxyError['code'], (names: OptionNames) => string>>> = {
  CREDENTIALS_WANTED: () => 'write them into its URL, http://user:password@host:port',
  LOGIN_WANTED: () => 'open any page in a browser',
  DENIED: () => 'many proxies allow port 443 alone; if the server is there, ask who runs the proxy',
  SCHEME_UNKNOWN: ({ proxy }) =>
    `run a local proxy that can, such as px or cntlm, and name that one with ${proxy}; docs/client.md shows how`,
};
