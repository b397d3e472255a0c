import { FAILURES, type FailureCode } from 'wsproxy-engine';

/** A client could not be called. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  readonly code: OpenErrorCode;

  constructor(code: OpenErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * `NOT_CONNECTED`: the user has no session here, and none came in time. `DENIED`: no connected client of the user has such a
 * service. `UNSUPPORTED`: all of them are of a version that takes no calls. `TIMED_OUT`: no client has answered in time.
 * `LIMIT_REACHED`. `SESSION_LOST`: the session was lost before the client had answered, and the call may have come to it.
 * `BAD_TARGET`: no service can have such a name. `SERVER_CLOSED`. Others as the client says.
 */
export type OpenErrorCode = FailureCode | 'NOT_CONNECTED' | 'SERVER_CLOSED';

/** What is told of `code`, of a call to `service` of `user`. */
export function openError(code: OpenErrorCode, user: string, service: string): OpenError {
  return new OpenError(code, `${JSON.stringify(service)} of ${JSON.stringify(user)}: ${wordsOf(code)}`);
}

function wordsOf(code: OpenErrorCode): string {
  return WORDS[code] ?? FAILURES[code as FailureCode].text;
}

const WORDS: Partial<Record<OpenErrorCode, string>> = {
  NOT_CONNECTED: 'no client of the user is connected',
  DENIED: 'no client of the user that is connected has this service',
  UNSUPPORTED: 'the clients of the user take no calls: they are of an earlier version',
  TIMED_OUT: 'no client has answered in time',
  SESSION_LOST: 'the session was lost before the client had answered',
  BAD_TARGET: 'not a name of a service: expected 1 to 255 bytes of text',
  SERVER_CLOSED: 'the server was closed',
};
