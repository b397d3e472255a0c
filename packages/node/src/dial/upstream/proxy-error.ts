/**
 * Why there is no connection through the proxy.
 * The proxy itself: `PROXY_UNREACHABLE` no connection to it. `PROXY_TIMEOUT` no answer in time. `PROXY_BROKEN` it hung up, or
 * its words are not the protocol. `CREDENTIALS_WANTED`, `CREDENTIALS_REFUSED`. `SCHEME_UNKNOWN` it wants them in a way that is
 * not known here, such as NTLM. `LOGIN_WANTED` it leads to a page in place of the target. `DENIED` its rules forbid the target.
 * `PROXY_FAILED` it says that it failed, not why.
 * Beyond it, in its words: `TARGET_REFUSED`, `TARGET_UNREACHABLE`, `TARGET_TIMEOUT`.
 * `CANCELLED`: the caller gave up.
 */
export type ProxyErrorCode =
  | 'PROXY_UNREACHABLE'
  | 'PROXY_TIMEOUT'
  | 'PROXY_BROKEN'
  | 'PROXY_FAILED'
  | 'CREDENTIALS_WANTED'
  | 'CREDENTIALS_REFUSED'
  | 'SCHEME_UNKNOWN'
  | 'LOGIN_WANTED'
  | 'DENIED'
  | 'TARGET_REFUSED'
  | 'TARGET_UNREACHABLE'
  | 'TARGET_TIMEOUT'
  | 'CANCELLED';

/** The message names proxy and target, and never the password, no matter what the proxy says. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;
  /** When it wants to be asked again, as its header `Retry-After` has it. */
  readonly retryAfter: string | undefined;

  constructor(code: ProxyErrorCode, message: string, options: ProxyErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

interface ProxyErrorOptions extends ErrorOptions {
  readonly retryAfter?: string | undefined;
}
