import type { ProxyError, ProxyErrorCode } from 'wsproxy-upstream';

/** Why the server could not be reached, and what to do about it. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** Trying again changes nothing: the address, the token or the server has to change first. */
  readonly permanent: boolean;
  /** The server asked not to be tried again before so many ms. */
  readonly retryAfter: number;

  constructor(message: string, permanent: boolean, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(message, options);
    this.permanent = permanent;
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** Of the answer: what tells a login page from a server. */
export interface AnswerHeaders {
  readonly location?: string | undefined;
  readonly 'content-type'?: string | undefined;
  readonly 'retry-after'?: string | undefined;
}

/** A server may ask for patience, but not for ever, ms. */
const MAX_RETRY_AFTER = 300_000;

/** What an answer other than 101 means. Redirects are never followed; `url` is what was asked for. */
export function describeStatus(status: number, headers: AnswerHeaders, url: URL): ConnectError {
  if (status === 511) {
    return new ConnectError('this network wants a login first (511): open any page in a browser', false);
  }
  if (status === 401) {
    return new ConnectError('the server refused the token (401): check WSPROXY_TOKEN or --token-file', true);
  }
  if (status === 404) {
    return new ConnectError("nothing there (404): check the URL's path against the server's --path", true);
  }
  if (status >= 300 && status < 400) return describeRedirect(status, headers.location, url);
  if (status >= 500 || status === 429 || status === 408) {
    const retryAfter = parseRetryAfter(headers['retry-after']);
    const text = `the server, or a proxy before it, is not available (${status})${status === 429 ? ': too many requests' : ''}`;
    return new ConnectError(text, false, { retryAfter });
  }
  if (status === 400) {
    const text =
      'the server refused the upgrade (400): its version may differ from this one, or it wants another --host';
    return new ConnectError(text, true);
  }
  if (/^text\/html\b/i.test(headers['content-type'] ?? '') && status === 200) {
    const text =
      'the answer is a web page (200): a login page of this network, or a URL without the path of the tunnel?';
    return new ConnectError(text, true);
  }
  return new ConnectError(
    `the answer is not a WebSocket's (${status}): a login page, or a reverse proxy without Upgrade headers?`,
    true,
  );
}

function describeRedirect(status: number, location: string | undefined, url: URL): ConnectError {
  const where = location === undefined ? '' : ` to ${JSON.stringify(location)}`;
  const base = url.href.replace(/^ws/, 'http');
  const isElsewhere =
    location !== undefined && URL.canParse(location, base) && new URL(location, base).hostname !== url.hostname;
  const cause = isElsewhere ? 'a login page of this network, or the wrong URL?' : 'not a wsproxy-server: check the URL';
  return new ConnectError(`redirected${where} (${status}), ${cause}`, true);
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function parseRetryAfter(text: string | undefined): number {
  if (text === undefined) return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return wait > 0 ? Math.min(wait, MAX_RETRY_AFTER) : 0;
}

const TLS_CAUSES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it on the server',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clock of this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: give it with --ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an unknown CA: give the CA with --ca',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an unknown CA: give the CA with --ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an unknown CA: give the CA with --ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'it does not send its whole certificate chain, or comes from an unknown CA: complete the chain on the server, or ' +
    'give the CA with --ca',
  CERT_REVOKED: 'its certificate was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: check the host in the URL, or give --sni',
  EPROTO:
    'it does not speak TLS there, or no version known here: check the port, or whether the URL should begin with ws://',
};

/** Alerts of RFC 8446 section 6.2, by which the server ends a handshake. */
const TLS_ALERTS: Readonly<Record<string, string>> = {
  40: 'it and this program have no way of TLS in common, or it wants a client certificate: --cert and --key',
  42: 'it does not accept the client certificate: check --cert',
  43: 'it does not accept the client certificate: check --cert',
  44: 'the client certificate was revoked: --cert',
  45: 'the client certificate has expired: --cert',
  46: 'it does not accept the client certificate: check --cert',
  48: 'it does not know the CA of the client certificate: check --cert',
  49: 'it denies this client access',
  70: 'its version of TLS is too old or too new for this program',
  71: 'it and this program have no way of TLS in common that is safe enough',
  112: 'it does not know the name it was asked for: check the host in the URL, or give --sni',
  116: 'it wants a client certificate: give --cert and --key',
};

const ALERT_NUMBER = /SSL alert number (\d+)/;

/** What a failure below HTTP means. */
export function describeFailure(error: NodeJS.ErrnoException): ConnectError {
  const code = error.code ?? '';
  const alert = TLS_ALERTS[ALERT_NUMBER.exec(error.message)?.[1] ?? ''];
  if (alert !== undefined) return new ConnectError(`the server ended TLS: ${alert}`, true, { cause: error });
  const tlsCause =
    TLS_CAUSES[code.startsWith('ERR_SSL_') ? 'EPROTO' : code] ??
    (code.includes('CERT') ? `its certificate is not accepted (${code})` : undefined);
  if (tlsCause !== undefined) return new ConnectError(`the server is not trusted: ${tlsCause}`, true, { cause: error });
  if (code.startsWith('HPE_')) {
    return new ConnectError(
      'the answer is not HTTP: check the port, or whether the URL should begin with wss://',
      true,
      {
        cause: error,
      },
    );
  }
  // ws reports an answer that breaks RFC 6455 without a code.
  if (code === '' && /Sec-WebSocket|subprotocol|Upgrade header/.test(error.message)) {
    return new ConnectError(`not a wsproxy-server: ${error.message}`, true, { cause: error });
  }
  return new ConnectError(error.message || code || 'connection failed', false, { cause: error });
}

/** What a failure on the way through a proxy means. */
export function describeProxyFailure(error: ProxyError): ConnectError {
  const isUpToUser = ['CREDENTIALS_WANTED', 'CREDENTIALS_REFUSED', 'DENIED'].includes(error.code);
  const cures: Partial<Record<ProxyErrorCode, string>> = {
    CREDENTIALS_WANTED: ': write them into its URL, http://user:password@host:port',
    PROXY_UNREACHABLE: '; --proxy none goes without it',
  };
  return new ConnectError(`${error.message}${cures[error.code] ?? ''}`, isUpToUser, { cause: error });
}
