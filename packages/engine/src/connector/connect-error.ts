/** Why the server could not be reached, and what to do about it: the message says both, `what` and `cure` each. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** Stable. */
  readonly code: ConnectErrorCode;
  readonly what: string;
  readonly cure: string | undefined;
  /** Trying again changes nothing: the address, the token or the server has to change first. */
  readonly permanent: boolean;
  /** The server asked not to be tried again before so many ms, at most 300 000. */
  readonly retryAfter: number;
  /** HTTP status of the answer, if it was that. */
  readonly status: number | undefined;
  /** The server lives, but its process that has the session does not answer: it may live as well. */
  readonly isOwnerAway: boolean;

  constructor(what: string, permanent: boolean, options: ConnectErrorOptions = {}) {
    const { cure } = options;
    super(cure === undefined ? what : `${what}: ${cure}`, options);
    this.code = options.code ?? (permanent ? 'NOT_A_SERVER' : 'UNREACHABLE');
    this.what = what;
    this.cure = cure;
    this.permanent = permanent;
    this.retryAfter = Math.min(options.retryAfter ?? 0, MAX_RETRY_AFTER);
    this.status = options.status;
    this.isOwnerAway = options.isOwnerAway ?? false;
  }
}

/** A server may ask for patience, but not for ever, ms. */
const MAX_RETRY_AFTER = 300_000;

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
  readonly isOwnerAway?: boolean;
}
